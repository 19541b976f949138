variable "V" { default = "a" }
variable "W" { default = "w" }
X = "first"
target "default" {
  args = { A = V, FILE = "a" }
  tags = ["a"]
  cache-from = ["one"]
}
group "g" { targets = ["default"] }
