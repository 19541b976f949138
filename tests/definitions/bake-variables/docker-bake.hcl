variable "TAG" { default = "latest" }
variable "EMPTY" {}
variable "NUMBER" { default = 3 }
variable "FLAG" { default = true }
variable "FROM_OTHER" { default = "${TAG}-x" }
variable "NOTHING" { default = null }
plain = "global-${NUMBER}"
target "default" {
  args = {
    TAG = TAG
    EMPTY = EMPTY
    NUMBER = NUMBER + 1
    FLAG = FLAG ? "on" : "off"
    OTHER = FROM_OTHER
    NOTHING = NOTHING
    IS_NULL = NOTHING == null
    PLAIN = plain
  }
  tags = ["app:${TAG}"]
}
