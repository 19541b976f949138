using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Credentials;

public sealed class TokenSeedsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Place => Path.Combine(_directory.Path, "opencloud.build", "token-seeds.json");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void ASeedIsKept_ClosedToOthers_AndNothingElseIsLeft()
    {
        byte[] first = TokenSeeds.Get("one.example", Place);
        byte[] second = TokenSeeds.Get("two.example", Place);
        Assert.Equal(16, first.Length);
        Assert.NotEqual(first, second);
        Assert.Equal(first, TokenSeeds.Get("one.example", Place));
        Assert.Equal(second, TokenSeeds.Get("two.example", Place));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Place));
        Assert.Equal([Place], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(Place)!));
    }

    [Fact]
    public void ALinkInItsPlaceIsReplaced_AndItsTargetStays()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Place)!);
        string target = Path.Combine(_directory.Path, "target");
        File.WriteAllText(target, "{}");
        File.CreateSymbolicLink(Place, target);
        byte[] seed = TokenSeeds.Get("one.example", Place);
        Assert.Equal("{}", File.ReadAllText(target));
        Assert.Equal(seed, TokenSeeds.Get("one.example", Place));
        Assert.Null(new FileInfo(Place).LinkTarget);
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("{\"one.example\":7}")]
    [InlineData("{\"one.example\":\"c2hvcnQ=\"}")]
    public void WhatIsNoSeedIsReplaced(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Place)!);
        File.WriteAllText(Place, text);
        byte[] seed = TokenSeeds.Get("one.example", Place);
        Assert.Equal(seed, TokenSeeds.Get("one.example", Place));
    }

    [Fact]
    public void AHomeThatCannotBeWrittenToHasASeedAllTheSame()
    {
        string file = Path.Combine(_directory.Path, "file");
        File.WriteAllText(file, string.Empty);
        Assert.Equal(16, TokenSeeds.Get("one.example", Path.Combine(file, "below", "seeds.json")).Length);
    }
}
