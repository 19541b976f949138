using System.Formats.Tar;
using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Inputs;

public sealed class ContextLocationTests
{
    [Theory]
    [InlineData("git://host/app", ContextKind.Git)]
    [InlineData("ssh://git@host/app", ContextKind.Git)]
    [InlineData("git@host:team/app", ContextKind.Git)]
    [InlineData("git@some-host.test:app.git#main:sub", ContextKind.Git)]
    [InlineData("alice@git.example.test:team/app.git", ContextKind.Git)]
    [InlineData("SSH://git@host/app", ContextKind.Git)]
    [InlineData("github.com/team/app#v1", ContextKind.Git)]
    [InlineData("https://host/app.git", ContextKind.Git)]
    [InlineData("https://host/app.git#main", ContextKind.Git)]
    [InlineData("http://host/app.git#0123:sub", ContextKind.Git)]
    [InlineData("https://host/app.git?x=1", ContextKind.Git)]
    [InlineData("https://host/app.tar.gz", ContextKind.Http)]
    [InlineData("HTTPS://host/Dockerfile", ContextKind.Http)]
    [InlineData("https://host/app.gitlab/x", ContextKind.Http)]
    [InlineData("https://host/archive?name=app.git", ContextKind.Http)]
    public void Addresses_AreKnownByTheirForm(string text, ContextKind kind)
    {
        ContextLocation location = ContextLocation.Parse(text);
        Assert.Equal(kind, location.Kind);
        Assert.True(location.IsRemote);
        Assert.True(ContextLocation.IsAddress(text));

        // An engine gets it as it was given.
        Assert.Equal(text, location.Value);
        Assert.Equal(text, location.ToString());
    }

    [Theory]
    [InlineData("https://user:token@host/app.git#main:sub", "https://host/app.git#main:sub")]
    [InlineData("https://user:to@ken@host:8443/app.tgz?signature=abc", "https://host:8443/app.tgz")]
    [InlineData("ssh://git@host/app", "ssh://git@host/app")]
    [InlineData("ssh://git:token@host/app", "ssh://host/app")]
    [InlineData("SSH://user@host", "SSH://user@host")]
    [InlineData("https://token@host/app", "https://host/app")]
    [InlineData("s3+x://user:token@host/app", "s3+x://host/app")]
    [InlineData("git@host:team/app", "git@host:team/app")]
    [InlineData("https://host/a@b", "https://host/a@b")]
    [InlineData("/srv/a?b@c", "/srv/a?b@c")]
    public void AnAddress_IsShownWithoutSecrets(string text, string shown) => Assert.Equal(shown, ContextLocation.WithoutSecrets(text));

    public static IEnumerable<object[]> Addresses => ContextAddresses.All;

    [Theory]
    [MemberData(nameof(Addresses))]
    public void Definitions_HaveTheSameRule(string text, bool isAddress) => Assert.Equal(isAddress, ContextLocation.IsAddress(text));

    [Theory]
    [InlineData(".")]
    [InlineData("app.git")]
    [InlineData("git@")]
    [InlineData("alice@host/app")]
    [InlineData("a.b@host:app")]
    [InlineData("xgit://host/app")]
    [InlineData("httpx://host/app")]
    [InlineData("./github.com/team/app")]
    public void Paths_AreOfThisMachine(string text)
    {
        ContextLocation location = ContextLocation.Parse(text);
        Assert.Equal(ContextKind.Directory, location.Kind);
        Assert.False(location.IsRemote);
        Assert.Equal(Path.GetFullPath(text), location.Value);
    }

    [Fact]
    public void Files_AreArchivesOrRefused()
    {
        using TemporaryDirectory folder = new();
        string archive = Path.Combine(folder.Path, "a.tar");
        using (TarWriter writer = new(File.Create(archive)))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "x"));
        }

        string text = Path.Combine(folder.Path, "text");
        File.WriteAllText(text, new string('x', 3000));

        Assert.Equal((ContextKind.Archive, archive), (ContextLocation.Parse(archive).Kind, ContextLocation.Parse(archive).Value));
        Assert.Contains(text, Assert.Throws<InvalidDataException>(() => ContextLocation.Parse(text)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ContextLocation.Parse(""));
    }

    [Fact]
    public void AnyText_IsEitherAnAddressKeptAsItIsOrAPath() => Prop.ForAll(ArbMap.Default.ArbFor<NonEmptyString>(), static text =>
    {
        string value = text.Get.Replace('\0', 'x');
        if (ContextLocation.IsAddress(value))
        {
            return ContextLocation.Parse(value).Value == value && ContextLocation.Parse(value).IsRemote;
        }

        // Nothing of that name exists below a folder that does not.
        ContextLocation location = ContextLocation.Parse("/no-such-folder/" + value);
        return location.Kind == ContextKind.Directory && Path.IsPathFullyQualified(location.Value);
    }).QuickCheckThrowOnFailure();
}
