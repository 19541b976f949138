target "api" {
  tags = ["api"]
  args = { A = "1" }
  output = ["type=docker"]
  platforms = ["linux/amd64"]
}
target "app-web" {
  tags = ["web"]
  labels = { l = "1" }
}
target "lib" {}
