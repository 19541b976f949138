target "b" { output = ["type=image,name=x,push=true"] }
target "c" { output = ["type=registry", "type=docker"] }
