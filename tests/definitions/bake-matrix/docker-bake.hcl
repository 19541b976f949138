target "app" {
  name = "app-${item}"
  matrix = { item = ["one", "two"] }
  args = { ITEM = item }
  tags = ["app:${item}"]
}
