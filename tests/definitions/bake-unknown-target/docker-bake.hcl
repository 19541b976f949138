group "default" { targets = ["missing"] }
