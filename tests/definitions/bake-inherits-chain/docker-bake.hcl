target "a" { args = { X = "a" } }
target "b" { 
  inherits = ["a"]
  args = { Y = "b" }
}
target "c" { 
  inherits = ["b"]
  args = { Z = "c", X = null }
}
target "loop1" { inherits = ["loop2"] }
target "loop2" { inherits = ["loop1"] }
