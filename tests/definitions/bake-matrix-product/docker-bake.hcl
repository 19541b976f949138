variable "VERSIONS" { default = ["1.0", "2.0"] }
group "default" { targets = ["build"] }
target "build" {
  name = "build-${os.name}-${replace(v, ".", "-")}"
  matrix = {
    os = [{ name = "deb", image = "debian" }, { name = "alp", image = "alpine" }]
    v = VERSIONS
  }
  args = { BASE = os.image, VERSION = v }
  dockerfile-inline = "FROM ${os.image}:${v}"
}
