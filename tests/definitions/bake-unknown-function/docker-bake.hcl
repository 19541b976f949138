target "default" { args = { A = nofunction("x") } }
