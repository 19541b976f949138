target "_base" {
  context = "base"
  args = { A = "base", B = "base" }
  labels = { l = "base" }
  tags = ["base"]
  platforms = ["linux/amd64"]
  cache-from = ["base:cache"]
  secret = ["id=a,src=a.txt"]
  no-cache-filter = ["one"]
  output = ["type=docker"]
  annotations = ["a=base"]
  attest = ["type=sbom"]
}
target "_more" {
  args = { B = "more", C = "more" }
  cache-from = ["more:cache", "base:cache"]
  attest = ["type=provenance,mode=min", "type=sbom,disabled=true"]
  secret = ["id=a,env=A", "id=b,src=b.txt"]
}
target "default" {
  inherits = ["_base", "_more"]
  args = { C = "own" }
  tags = ["own"]
  annotations = ["b=own", "a=base"]
  no-cache-filter = ["two", "one"]
}
