target "a" {}
target "b" { output = ["type=image,name=x"] }
target "d" { output = ["type=docker"] }
target "e" { output = ["type=local,dest=o"] }
target "f" { output = ["type=docker,dest=x.tar"] }
