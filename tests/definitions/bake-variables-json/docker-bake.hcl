variable "LIST" {
  type = list(object({ a = string }))
  default = []
}
target "default" { args = { LIST = join(",", LIST[*].a) } }
