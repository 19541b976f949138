group "release-all" { targets = ["api"] }
target "api" { tags = ["api"] }
target "app-a" { tags = ["a"] }
target "app-b" { tags = ["b"] }
target "app-long" {}
