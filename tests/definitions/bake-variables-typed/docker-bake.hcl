variable "LIST" {
  type = list(string)
  default = ["a"]
}
variable "NUMBERS" {
  type = set(number)
  default = [3, 1, 3]
}
variable "MAP" {
  type = map(string)
  default = { a = 1 }
}
variable "PAIR" {
  type = tuple([string, number])
  default = ["x", 1]
}
variable "OBJECT" {
  type = object({ name = string, count = number })
  default = { name = "n", count = 2 }
}
variable "TEXT" { type = string }
variable "MAYBE" { type = number }
variable "BOOL" {
  type = bool
  default = false
}
target "default" {
  args = {
    LIST = join("+", LIST)
    NUMBERS = join("+", [for n in NUMBERS : n])
    MAP = join("+", [for k, v in MAP : "${k}:${v}"])
    PAIR = "${PAIR[0]}-${PAIR[1] + 1}"
    OBJECT = "${OBJECT.name}-${OBJECT.count}"
    TEXT = TEXT
    MAYBE = MAYBE
    BOOL = BOOL
  }
}
