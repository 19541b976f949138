variable "A" { default = "variable" }
A = "attribute"
B = "b-${A}"
target "default" { args = { A = A, B = B } }
