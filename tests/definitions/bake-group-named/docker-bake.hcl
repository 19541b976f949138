group "images" { targets = ["api", "web"] }
target "api" { tags = ["api"] }
target "web" { tags = ["web"] }
target "other" {}
