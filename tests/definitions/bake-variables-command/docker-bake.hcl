variable "TAG" { default = "latest" }
variable "OTHER" { default = "x" }
target "default" { args = { TAG = TAG, OTHER = OTHER } }
