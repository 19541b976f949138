target "default" {
  args = { A = "1", K = "k" }
  entitlements = ["network.host"]
}
target "default" {
  args = { A = "2" }
  entitlements = ["security.insecure", "network.host"]
  extra-hosts = { a = "1.1.1.1" }
}
