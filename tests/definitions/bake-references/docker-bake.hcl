target "base" {
  context = "dir"
  args = { V = "1" }
  tags = ["base:1", "base:2"]
  platforms = ["linux/arm64"]
}
group "g" { targets = ["base"] }
target "default" {
  context = target.base.context
  args = { V = target.base.args.V, T = target.base.tags[1], N = length(target.base.platforms), G = group.g.targets[0] }
  tags = [for t in target.base.tags : replace(t, "base", "own")]
  platforms = target.base.platforms
}
