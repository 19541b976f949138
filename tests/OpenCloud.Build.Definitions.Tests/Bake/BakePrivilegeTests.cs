using OpenCloud.Build.Definitions.Bake;
using OpenCloud.Build.Definitions.Model;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Bake;

/// <summary>A definition requests the privileges that its build uses, in every spelling.</summary>
public sealed class BakePrivilegeTests
{
    [Theory]
    [InlineData("output = [{ type = \"local\", Destination = \"/root\", Mode = \"delete\" }]", "buildx.local.delete fs.write=/root")]
    [InlineData("output = [{ \" Type \" = \"local\", \" DEST \" = \"/root\" }]", "fs.write=/root")]
    [InlineData("output = [\"type=local,destination=/etc/cron.d\"]", "fs.write=/etc/cron.d")]
    [InlineData("output = [\"type=oci, Destination=/srv/a.tar\"]", "fs.write=/srv/a.tar")]
    [InlineData("cache-to = [{ type = \"local\", Dest = \"/srv/c\" }]", "fs.write=/srv/c")]
    [InlineData("cache-from = [{ type = \"local\", SRC = \"/srv/c\" }]", "fs.read=/srv/c")]
    [InlineData("secret = [{ Id = \"a\", Src = \"/etc/shadow\" }]", "fs.read=/etc/shadow")]
    [InlineData("secret = [\"id=../../../etc/shadow\"]", "fs.read=/etc/shadow")]
    [InlineData("ssh = [{ ID = \"k\", Paths = [\"/srv/key\"] }]", "fs.read=/srv/key")]
    [InlineData("context = \"git@x/../../../root/.ssh\"", "fs.read=/root/.ssh")]
    [InlineData("context = \"x://../../../root\"", "fs.read=/root")]
    [InlineData("context = \"docker-image://../../../root\"", "fs.read=/root")]
    [InlineData("contexts = { a = \"git@x/../../../root/.ssh\" }", "fs.read=/root/.ssh")]
    [InlineData("contexts = { a = \"x://../../../root\" }", "fs.read=/root")]
    [InlineData("contexts = { a = \"oci-layout:///srv/lay:1\" }", "fs.read=/srv/lay")]
    [InlineData("context = \"https://host.local/a.git\"\ndockerfile = \"/etc/Dockerfile\"", "fs.read=/etc/Dockerfile")]
    [InlineData("context = \"https://host.local/a.git\"\ndockerfile = \"cwd://../Dockerfile\"", "fs.read=/work/Dockerfile")]
    [InlineData("dockerfile = \"git@x/../../../etc/Dockerfile\"", "fs.read=/etc/Dockerfile")]
    [InlineData("dockerfile = \"https://../../../../etc/Dockerfile\"", "fs.read=/etc/Dockerfile")]
    public void NoSpellingGoesUnasked(string field, string privileges) =>
        Assert.Equal(privileges, string.Join(' ', Assert.Single(Reading.Hcl($"target \"default\" {{\n{field}\n}}")).Privilege));

    [Theory]
    [InlineData("context = \"https://host.local/a.git\"\ndockerfile = \"sub/Dockerfile\"")]
    [InlineData("context = \"git@host.local:a/b\"")]
    [InlineData("contexts = { a = \"docker-image://x\", b = \"git://host.local/a\" }")]
    public void WhatIsElsewhereNeedsNothing(string field) => Assert.Empty(Assert.Single(Reading.Hcl($"target \"default\" {{\n{field}\n}}")).Privilege);

    [Theory]
    [InlineData("output = [{ type = \"local\", Dest = \"/a\", dest = \"b\" }]", "dest")]
    [InlineData("output = [\"type=local,dest=b,destination=/a\"]", "dest")]
    [InlineData("secret = [{ id = \"a\", src = \"b\", Src = \"/a\" }]", "src")]
    [InlineData("ssh = [{ id = \"k\", paths = [\"a,/root/.ssh/id\"] }]", "ssh")]
    [InlineData("ssh = [{ id = \"k=/root/.ssh/id\", paths = [] }]", "ssh")]
    [InlineData("contexts = { a = \"oci-layout://lay@x/../../../root\" }", "@")]
    [InlineData("tags = [\"a\\u001b[2J\"]", "tags")]
    [InlineData("target = \"a\\nb\"", "target")]
    [InlineData("context = \"a\\u202eb\"", "context")]
    [InlineData("description = \"\\u001b]0;x\"", "description")]
    public void WhatWouldBeReadInAnotherWayIsRefused(string field, string word)
    {
        DefinitionException refused = Reading.RefusedHcl($"target \"default\" {{\n{field}\n}}");
        Assert.Contains(word, refused.Message, StringComparison.Ordinal);
        Assert.True(refused.Line > 0);
    }

    public static IEnumerable<object[]> Addresses => ContextAddresses.All;

    [Theory]
    [MemberData(nameof(Addresses))]
    public void AnAddressIsWhatTheBuildTakesForOne(string text, bool isAddress) => Assert.Equal(isAddress, BakeAddress.Is(text, Reading.Directory));
}
