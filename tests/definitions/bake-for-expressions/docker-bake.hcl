variable "L" { default = [{ n = "a", v = 1 }, { n = "b", v = 2 }, { n = "a", v = 3 }] }
target "default" {
  args = {
    list = jsonencode([for x in L : x.n if x.v > 1])
    index = jsonencode([for i, x in L : "${i}${x.n}"])
    object = jsonencode({ for x in L : "${x.n}${x.v}" => x.v })
    group = jsonencode({ for x in L : x.n => x.v... })
    map = jsonencode({ for k, v in { b = 1, a = 2 } : upper(k) => v * 10 })
    splat = jsonencode(L[*].n)
    attrsplat = jsonencode(L.*.v)
    scalar = jsonencode("one"[*])
    nothing = jsonencode(null[*])
    nested = jsonencode([for a in ["x", "y"] : [for b in [1, 2] : "${a}${b}"]])
    legacy = L.0.n
    objectkeys = jsonencode({ a = 1, "b" : 2, (upper("c")) = 3, for = 4 })
    conditional = L[0].v == 1 ? (L[1].v == 2 ? "yes" : "no") : "never"
    multi = join(",", [
      "a",
      "b", # comment
    ])
  }
}
