target "base" {
  tags = ["base"]
  output = ["type=local,dest=base"]
}
target "middle" { 
  contexts = { base = "target:base" }
  entitlements = ["security.insecure"]
}
target "default" {
  contexts = { middle = "target:middle", none = "" }
  tags = ["app"]
}
