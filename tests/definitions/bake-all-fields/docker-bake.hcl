target "default" {
  description = "everything"
  annotations = ["org.example.a=b", "index:org.example.c=d"]
  attest = ["type=provenance,mode=max", { type = "sbom", generator = "registry.local/scanner:1" }]
  context = "./app"
  contexts = { base = "docker-image://registry.local/base:1", src = "../src" }
  dockerfile = "Dockerfile.prod"
  args = { VERSION = "1.2", DEBUG = false, COUNT = 3 }
  labels = { "org.example.title" = "app" }
  tags = ["registry.local/app:1", "registry.local/app:latest"]
  cache-from = ["type=registry,ref=registry.local/app:cache", "registry.local/app:old"]
  cache-to = [{ type = "registry", ref = "registry.local/app:cache", mode = "max" }]
  target = "final"
  secret = ["id=token,env=TOKEN", { id = "npmrc", src = ".npmrc" }]
  ssh = ["default"]
  platforms = ["linux/amd64", "linux/arm64"]
  output = ["type=image,push=true", { type = "local", dest = "out" }]
  pull = true
  no-cache = true
  network = "host"
  no-cache-filter = ["build", "test"]
  shm-size = "128m"
  ulimits = ["nofile=1024:2048"]
  call = "check"
  entitlements = ["security.insecure"]
  extra-hosts = { db = "10.0.0.1" }
}
