target "default" {
  context = BAKE_CMD_CONTEXT
  args = { P = BAKE_LOCAL_PLATFORM == "linux/amd64" || BAKE_LOCAL_PLATFORM == "linux/arm64" ? "known" : "other" }
}
