group "default" { targets = ["app", "extra"] }
target "app" { args = { B = "hcl" } }
target "extra" { 
  inherits = ["app"]
  tags = ["extra"]
}
