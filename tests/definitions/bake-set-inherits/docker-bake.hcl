target "base" { args = { A = "base" } }
target "default" { 
  inherits = ["base"]
  args = { B = "own" }
}
