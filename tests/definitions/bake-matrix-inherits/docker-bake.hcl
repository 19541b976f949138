target "base" { args = { BASE = 1 } }
target "each" {
  inherits = ["base"]
  name = "each-${n}"
  matrix = { n = [for i in range(3) : "n${i}"] }
  contexts = { first = n == "n0" ? "" : "target:each-n0" }
  context = target.base.context == null ? "." : target.base.context
}
