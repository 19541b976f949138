variable "PORT" {
  default = 80
  validation {
    condition = PORT > 0 && PORT < 65536
    error_message = "The port ${PORT} is no port."
  }
}
target "default" { args = { PORT = PORT } }
