target "default" {
  output = ["out", "type=oci,dest=a.tar", "type=oci,dest=a.tar", "\"type=image\",\"annotation.a=b,c\"", ""]
  cache-from = ["a:1,b:2", "type=gha,scope=x", { type = "local", src = "c" }, "type=gha,scope=x"]
  cache-to = ["type=local,dest=c,mode=max"]
  attest = ["type=provenance,mode=max", "type=provenance,disabled=true", { type = "sbom", disabled = "false" }]
  ssh = ["default", "default"]
  secret = ["type=env,id=e,src=VAR", "type=file,id=f,source=x", "id=e,env=W"]
}
