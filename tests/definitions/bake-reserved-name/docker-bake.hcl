target "has space" {}
