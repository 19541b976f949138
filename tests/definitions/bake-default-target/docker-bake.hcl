# nothing but a context
target "default" {
  context = "app" // where it is
  /* a comment
     of two lines */
  dockerfile = "app.Dockerfile"
}
