using OpenCloud.Build.Definitions.Model;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Bake;

/// <summary>Tests the builds that bake files define.</summary>
public sealed class BakeTests
{
    [Fact]
    public void FieldsBecomeParameters()
    {
        BuildDefinition build = Assert.Single(Reading.Hcl("""
            target "default" {
              context = "app"
              dockerfile = "prod/Dockerfile"
              args = { A = 1 }
              labels = { l = "x" }
              tags = ["a", "b"]
              target = "t"
              platforms = ["linux/arm64"]
              no-cache = true
              pull = true
              output = ["type=local,dest=out", "type=docker"]
              cache-from = ["type=local,src=c", "r/x"]
              secret = ["id=a,src=s.txt", "id=b,env=B"]
              ssh = ["default", "k=key"]
              contexts = { d = "dir", i = "docker-image://x", o = "oci-layout://lay" }
              annotations = ["k=v=w"]
              attest = ["type=sbom,disabled=true", "type=provenance,mode=max"]
              network = "host"
              extra-hosts = { h = "1.1.1.1,2.2.2.2" }
              shm-size = "64m"
              ulimits = ["nofile=1:2"]
              call = "check"
            }
            """));
        Assert.Equal("/work/project/app", build.LiteralPath);
        Assert.Equal("/work/project/app/prod/Dockerfile", build.Dockerfile);
        Assert.Equal("1", build.BuildArg!["A"]);
        Assert.Equal("x", build.Label!["l"]);
        Assert.Equal(["a", "b"], build.Tag!);
        Assert.Equal("t", build.Target);
        Assert.Equal(["linux/arm64"], build.Platform!);
        Assert.True(build.NoCache && build.Pull);
        Assert.Equal("/work/project/out", build.Output![0]["dest"]);
        Assert.Equal("image", build.Output[1]["type"]);
        Assert.Equal("/work/project/c", build.CacheFrom![0]["src"]);
        Assert.Equal("r/x", build.CacheFrom[1]["ref"]);
        Assert.Equal("file:/work/project/s.txt", build.Secret!["a"]);
        Assert.Equal("env:B", build.Secret["b"]);
        Assert.Equal(["default", "k=/work/project/key"], build.Ssh!);
        Assert.Equal("/work/project/dir", build.BuildContext!["d"]);
        Assert.Equal("docker-image://x", build.BuildContext["i"]);
        Assert.Equal("oci-layout:///work/project/lay", build.BuildContext["o"]);
        Assert.Equal("v=w", build.Annotation!["k"]);
        Assert.Equal("false", build.Sbom);
        Assert.Equal("max", Assert.Single(build.Attest!)["mode"]);
        Assert.Equal("Host", build.Network);
        Assert.Equal(["h=1.1.1.1", "h=2.2.2.2"], build.AddHost!);
        Assert.Equal(64L << 20, build.ShmSize);
        Assert.Equal("1:2", build.Ulimit!["nofile"]);
        Assert.Equal(["network.host"], build.Allow!);
        Assert.Equal(["call=check"], build.Remainder);
    }

    [Fact]
    public void WhatIsNotSaidIsNull()
    {
        BuildDefinition build = Assert.Single(Reading.Hcl("target \"default\" {}"));
        Assert.Equal("/work/project", build.LiteralPath);
        Assert.Null(build.Dockerfile);
        Assert.Null(build.Tag);
        Assert.Null(build.BuildArg);
        Assert.Null(build.Output);
        Assert.Empty(build.Privilege);
    }

    [Fact]
    public void OthersComeFirst()
    {
        IReadOnlyList<BuildDefinition> builds = Reading.Hcl("""
            group "default" { targets = ["a"] }
            target "a" { contexts = { z = "target:z" } }
            target "z" { contexts = { m = "target:m" } }
            target "m" {}
            """);
        Assert.Equal(["m", "z", "a"], builds.Select(static b => b.Name));
        Assert.Equal(["z"], builds[2].DependsOn);
    }

    [Fact]
    public void WithoutADefaultAllAreGiven() => Assert.Equal(["a", "b"], Reading.Hcl("target \"a\" {}\ntarget \"b\" {}").Select(static b => b.Name));

    [Theory]
    [InlineData("context = \"..\"", "fs.read=/work")]
    [InlineData("context = \"cwd://../x\"", "fs.read=/work/x")]
    [InlineData("dockerfile = \"/etc/Dockerfile\"", "fs.read=/etc/Dockerfile")]
    [InlineData("contexts = { a = \"/etc\" }", "fs.read=/etc")]
    [InlineData("secret = [\"id=a,src=/etc/passwd\"]", "fs.read=/etc/passwd")]
    [InlineData("ssh = [\"default\"]", "ssh")]
    [InlineData("ssh = [\"k=/root/.ssh/id\"]", "fs.read=/root/.ssh/id")]
    [InlineData("output = [\"/srv/out\"]", "fs.write=/srv/out")]
    [InlineData("output = [\"type=local,dest=out,mode=delete\"]", "buildx.local.delete")]
    [InlineData("cache-to = [\"type=local,dest=/srv/c\"]", "fs.write=/srv/c")]
    [InlineData("cache-from = [\"type=local,src=/srv/c\"]", "fs.read=/srv/c")]
    [InlineData("network = \"host\"", "network.host")]
    [InlineData("entitlements = [\"security.insecure\"]", "security.insecure")]
    public void WhatIsBeyondTheDirectoryIsSaid(string field, string privilege) =>
        Assert.Equal([privilege], Assert.Single(Reading.Hcl($"target \"default\" {{\n{field}\n}}")).Privilege);

    [Theory]
    [InlineData("fs.read=/etc/x", "fs.read=/etc", true)]
    [InlineData("fs.read=/etc/x", "fs.read=/etc/x", true)]
    [InlineData("fs.read=/etc/x", "fs=/", true)]
    [InlineData("fs.read=/etc/x", "fs.read=*", true)]
    [InlineData("fs.read=/etc/x", "fs.write=/etc", false)]
    [InlineData("fs.read=/etcetera", "fs.read=/etc", false)]
    [InlineData("fs.read=/work/x", "fs.read=../x", true)]
    [InlineData("fs.write=/srv", "fs.read=/srv", false)]
    [InlineData("ssh", "ssh", true)]
    [InlineData("ssh", "network.host", false)]
    [InlineData("device=gpu", "device", true)]
    [InlineData("device", "device=gpu", false)]
    public void AGrantIncludesWhatIsBelow(string privilege, string grant, bool isGranted)
    {
        BuildDefinition definition = new() { Name = "a", LiteralPath = "/work/project", Privilege = [privilege] };
        Assert.Equal(isGranted, BuildDefinitions.FindMissing(definition, [grant], Reading.Directory).Count == 0);
    }

    [Fact]
    public void ALinkOutIsBeyondTheDirectory()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory();
        try
        {
            File.CreateSymbolicLink(Path.Combine(folder.FullName, "out"), "/etc");
            DefinitionOptions options = Reading.Options() with { WorkingDirectory = folder.FullName };
            BuildDefinition build = Assert.Single(BuildDefinitions.Read([new DefinitionSource("a.hcl", "target \"default\" { context = \"out\" }")], options));
            Assert.Equal(["fs.read=/etc"], build.Privilege);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("target \"default\" {\n  contxt = \"x\"\n}", 2, "contxt")]
    [InlineData("\nservice \"x\" {}", 2, "service")]
    [InlineData("variable \"x\" {\n  defalt = 1\n}", 2, "defalt")]
    [InlineData("group \"x\" {\n  targets = []\n  more = 1\n}", 3, "more")]
    [InlineData("function \"f\" {\n  params = []\n  result = 1\n  other = 2\n}", 4, "other")]
    [InlineData("target \"default\" {\n  args = { A = nofunc(1) }\n}", 2, "nofunc")]
    [InlineData("target \"default\" {\n  args = { A = missing }\n}", 2, "missing")]
    [InlineData("target \"default\" {\n  inner {}\n}", 2, "inner")]
    [InlineData("target \"default\" {\n  output = [\"dest=x,a=b\"]\n}", 2, "type")]
    [InlineData("target \"default\" {\n  tags = \"x\"\n}", 2, "list")]
    [InlineData("variable \"x\" {\n  type = strng\n}", 2, "strng")]
    [InlineData("target \"a\" {\n  name = \"x\"\n}", 2, "matrix")]
    [InlineData("target \"a\" {\n  matrix = { x = [1, 1] }\n  name = \"a-${x}\"\n}", 3, "a-1")]
    [InlineData("function \"f\" {\n  params = [x]\n  result = f(x)\n}\ntarget \"default\" {\n  args = { A = f(1) }\n}", 3, "itself")]
    public void WhatIsNotKnownIsRefusedByLineAndName(string text, int line, string word)
    {
        DefinitionException refused = Reading.RefusedHcl(text);
        Assert.Equal("docker-bake.hcl", refused.File);
        Assert.Equal(line, refused.Line);
        Assert.Contains(word, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMatrixHasAnEnd() => Assert.Contains("combinations", Reading.RefusedHcl("""
        target "a" {
          name = "a-${x}-${y}-${z}"
          matrix = { x = range(100), y = range(100), z = range(100) }
        }
        """).Message, StringComparison.Ordinal);

    [Fact]
    public void ManyWaysToOneTargetAreOne()
    {
        // If linked targets were not remembered, each step would double the work.
        string text = string.Join('\n', Enumerable.Range(0, 60).Select(static i => $"target \"t{i}\" {{ contexts = {{ a = \"target:t{i + 1}\", b = \"target:t{i + 1}\" }} }}")) + "\ntarget \"t60\" {}";
        Assert.Equal(61, Reading.Hcl(text, "t0").Count);
    }

    [Fact]
    public void WhatIsInheritedTwiceIsThereOnce()
    {
        // If each of sixty steps doubled the list, it would not fit into memory.
        string text = "target \"t0\" { policy = [\"a\"] }\n" + string.Join('\n', Enumerable.Range(1, 60).Select(static i => $"target \"t{i}\" {{ inherits = [\"t{i - 1}\", \"t{i - 1}\"] }}"));
        Assert.Equal(["policy=a"], Assert.Single(Reading.Hcl(text, "t60")).Remainder);
        string both = "target \"t0\" { policy = [\"a\"] }\n" + string.Join('\n', Enumerable.Range(1, 60).Select(static i =>
            $"target \"l{i}\" {{ inherits = [\"t{i - 1}\"] }}\ntarget \"r{i}\" {{ inherits = [\"t{i - 1}\"] }}\ntarget \"t{i}\" {{ inherits = [\"l{i}\", \"r{i}\"] }}"));
        Assert.Equal(["policy=a"], Assert.Single(Reading.Hcl(both, "t60")).Remainder);
    }

    [Fact]
    public void AListThatIsInheritedHasAnEnd()
    {
        string parents = string.Join('\n', Enumerable.Range(0, 20).Select(static i => $"target \"t{i}\" {{ annotations = [for n in range(900) : \"{i}-${{n}}=x\"] }}"));
        string all = string.Join(", ", Enumerable.Range(0, 20).Select(static i => $"\"t{i}\""));
        Assert.Contains("10000 items", Reading.RefusedHcl($"{parents}\ntarget \"default\" {{ inherits = [{all}] }}").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ManyTargetsAreRead()
    {
        string text = string.Concat(Enumerable.Range(0, 5_000).Select(static i => $"target \"t{i}\" {{}}\n")) + string.Concat(Enumerable.Range(0, 5_000).Select(static i => $"a{i} = 1\n"));
        Assert.Equal(5_000, Reading.Hcl(text).Count);
    }

    [Fact]
    public void APathWithANulIsRefused() => Reading.RefusedHcl("target \"default\" { context = \"a\\u0000b\" }");

    [Fact]
    public void ADeepReferenceIsRefused() => Reading.RefusedHcl(
        string.Join('\n', Enumerable.Range(0, 5000).Select(static i => $"v{i} = v{i + 1}")) + "\nv5000 = 1\ntarget \"default\" {\nargs = { A = v0 }\n}");

    [Fact]
    public void AnUnknownTargetIsSaidSo() => Assert.True(Reading.RefusedHcl("target \"a\" {}", "b").IsMissingTarget);

    [Fact]
    public void JsonIsRefusedByLine()
    {
        DefinitionException refused = Assert.Throws<DefinitionException>(() => BuildDefinitions.Read(
            [new DefinitionSource("x.json", "{\n  \"target\": {\n    \"a\": {\n      \"args\": { \"A\": \"${missing}\" }\n    }\n  }\n}")], Reading.Options()));
        Assert.Equal(4, refused.Line);
        Assert.Contains("missing", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ \"target\": { \"a\": ")]
    [InlineData("[1]")]
    [InlineData("{ \"target\": 1 }")]
    [InlineData("")]
    public void WhatIsNoJsonIsRefused(string text) => Assert.Throws<DefinitionException>(() => BuildDefinitions.Read([new DefinitionSource("x.json", text)], Reading.Options()));

    [Theory]
    [InlineData("a", "target \"default\" {}", "default")]
    [InlineData("a", "{ \"target\": { \"j\": {} } }", "j")]
    [InlineData("a", "services: { s: { build: . } }", "s")]
    public void AFileWithoutAnEndingIsKnownByItsText(string file, string text, string name) =>
        Assert.Equal(name, Assert.Single(BuildDefinitions.Read([new DefinitionSource(file, text)], Reading.Options())).Name);

    [Theory]
    [InlineData("compose.yaml docker-compose.yml", "compose.yaml")]
    [InlineData("docker-compose.yml compose.override.yaml", "docker-compose.yml compose.override.yaml")]
    [InlineData("compose.yaml docker-bake.override.hcl docker-bake.hcl docker-bake.json", "compose.yaml docker-bake.json docker-bake.hcl docker-bake.override.hcl")]
    [InlineData("other.hcl", "")]
    public void DefaultFilesAreFoundInOrder(string there, string found) =>
        Assert.Equal(found, string.Join(' ', BuildDefinitions.FindFiles(there.Split(' ').Contains)));
}
