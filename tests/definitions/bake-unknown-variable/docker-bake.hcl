target "default" { args = { A = missing } }
