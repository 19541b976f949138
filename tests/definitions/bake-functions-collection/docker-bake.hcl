variable "m" {
  type = map(string)
  default = { b = "2", a = "1" }
}
variable "l" { default = ["x", "", "y", "x"] }
target "default" {
  args = {
    length = length(l)
    lengthmap = length(m)
    keys = join(",", keys(m))
    values = join(",", values(m))
    lookup = lookup(m, "a", "none")
    lookup2 = lookup(m, "z", "none")
    merge = jsonencode(merge(m, { c = "3", a = "9" }))
    zipmap = jsonencode(zipmap(["p", "q"], [1, 2]))
    contains = contains(l, "y")
    index = index(m, "b")
    hasindex = hasindex(l, 9)
    indexof = indexof(l, "y")
    coalesce = coalesce(null, "c")
    coalescelist = join(",", coalescelist([], ["z"]))
    compact = join(",", compact(l))
    concat = join(",", concat(["a"], ["b", "c"]))
    distinct = join(",", distinct(l))
    element = element(l, 6)
    flatten = jsonencode(flatten([["a", ["b"]], "c"]))
    reverselist = join(",", reverselist(["a", "b"]))
    slice = join(",", slice(["a", "b", "c", "d"], 1, 3))
    sort = join(",", sort(["b", "c", "a"]))
    chunklist = jsonencode(chunklist(["a", "b", "c"], 2))
    setproduct = jsonencode(setproduct(["a", "b"], ["1", "2"]))
    setunion = join(",", setunion(["b"], ["a", "b"]))
    setintersection = join(",", setintersection(["a", "b"], ["b", "c"]))
    setsubtract = join(",", setsubtract(["a", "b"], ["b"]))
    setsym = join(",", setsymmetricdifference(["a", "b"], ["b", "c"]))
    sethaselement = sethaselement(setunion(["a"], ["b"]), "a")
    try = try(m.nothing, "fallback")
    can = can(m.nothing)
    can2 = can(m.a)
    convert = jsonencode(convert(["1", "2"], list(number)))
  }
}
