target "a" {}
target "b" { output = ["type=image,name=x"] }
target "c" { output = ["type=registry"] }
target "d" { output = ["type=docker"] }
target "e" { output = ["type=local,dest=o"] }
