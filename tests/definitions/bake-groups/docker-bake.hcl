group "default" { targets = ["images", "tools"] }
group "images" { 
  targets = ["api", "web"]
  description = "what is shipped"
}
group "tools" { targets = ["lint", "web"] }
target "api" { tags = ["api"] }
target "web" { tags = ["web"] }
target "lint" { target = "lint" }
target "other" {}
