variable "PUSH" { default = "" }
variable "CI" { default = false }
target "default" {
  tags = [
    "app:1",
    CI ? "app:ci" : "",
    notequal("", PUSH) ? "app:${PUSH}" : "",
  ]
  output = [equal(PUSH, "") ? "type=docker" : "type=registry"]
  cache-to = CI ? ["type=inline"] : []
  platforms = CI ? ["linux/amd64", "linux/arm64"] : null
  no-cache = CI
}
