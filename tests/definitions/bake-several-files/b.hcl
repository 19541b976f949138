variable "V" { default = "b" }
X = "second"
target "default" {
  args = { B = "${V}${W}", FILE = "b", X = X }
  tags = ["b"]
  cache-from = ["two"]
}
target "more" {}
group "g" { targets = ["more"] }
