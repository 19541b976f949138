variable "TAG" { default = "latest" }
variable "EMPTY" { default = "not" }
variable "NUMBER" { default = 3 }
variable "FLAG" { default = true }
variable "UNSET" {}
target "default" {
  args = { TAG = TAG, EMPTY = EMPTY, NUMBER = NUMBER * 2, FLAG = !FLAG, UNSET = UNSET }
}
