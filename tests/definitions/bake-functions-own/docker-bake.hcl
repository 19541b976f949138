function "tag" {
  params = [name, version]
  result = "registry.local/${name}:${version}"
}
function "join_all" {
  params = [first]
  variadic_params = rest
  result = "${first}|${join("|", rest)}"
}
function "twice" {
  params = [x]
  result = tag(x, x)
}
variable "V" { default = "1" }
target "default" {
  tags = [tag("app", V), twice("b")]
  args = { A = join_all("1"), B = join_all("1", "2", "3"), C = join_all(["x", "y"]...) }
}
