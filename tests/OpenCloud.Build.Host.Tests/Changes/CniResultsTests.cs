using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Layouts;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Changes;

/// <summary>What is taken away of a folder that every program of a host may use for its networks: this engine's, and nothing else.</summary>
public sealed class CniResultsTests : IDisposable
{
    private const string Container = "s6xcrbu9i8lv8x5xkd4pbt0cu";
    private const string Stranger = "zzxcrbu9i8lv8x5xkd4pbt0cu";

    // The very names, but one, and what only looks like them.
    private static readonly string[] Others =
    [
        $"cni-loopback-{Stranger}-lo",
        "cni-loopback-2f5b0c1c5a4b4a0d8a8f1a5cbb6c1c41a52b0c1c5a4b4a0d8a8f1a5cbb6c1c41-lo",
        $"cni-loopback-{Container}-lo2",
        $"cni-loopback-{Container}",
        $"podman-{Container}-eth0",
        $"buildkit-{Container}-eth0",
        $"opencloud.build-isolated-{Container}-wlan0",
        $"opencloud.build-isolated-too-{Stranger}-eth0",
        $"opencloud-build-isolated-{Stranger}-eth0",
        $"opencloud.build-isolated-{Stranger}x-eth0",
        $"opencloud.build-isolated-{Stranger}-eth0.bak",
        $"opencloud.build-isolated-{Stranger}-eth0\n",
        $"x-opencloud.build-isolated-{Stranger}-eth0",
    ];

    private readonly string _root = Directory.CreateTempSubdirectory("ocb-cni-").FullName;
    private readonly List<string> _told = [];

    private string Folder => Path.Combine(_root, "cni");

    private string Results => Path.Combine(Folder, "results");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void TheNetwork_HasTheNameThatIsLookedFor()
        => Assert.Contains("\"name\":\"opencloud.build-isolated\"", Isolation.Networks, StringComparison.Ordinal);

    [Fact]
    public void WhatTheEngineLeft_Goes_AndTheFoldersWithIt()
    {
        CniResults before = CniResults.Before(Folder);
        CniResults.Create(Folder);
        Assert.Equal((UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, Directory.Exists(Results)), (File.GetUnixFileMode(Folder), true));
        Write($"opencloud.build-isolated-{Container}-eth0", $"cni-loopback-{Container}-lo", $"opencloud.build-isolated-{Stranger}-eth12");
        Undo(before);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));

        // Again, and where there never was one.
        Undo(before);
        Assert.Empty(_told);
    }

    [Fact]
    public void WhatOthersLeft_StaysByteForByte()
    {
        CniResults before = CniResults.Before(Folder);
        CniResults.Create(Folder);
        Write(Others);
        Directory.CreateDirectory(Path.Combine(Folder, "networks"));
        Directory.CreateDirectory(Path.Combine(Results, $"opencloud.build-isolated-{Stranger}-eth3"));
        Write($"opencloud.build-isolated-{Container}-eth0", $"cni-loopback-{Container}-lo");
        Undo(before);
        Assert.Equal(Others.Order(StringComparer.Ordinal), Directory.EnumerateFiles(Results).Select(static path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.All(Others, name => Assert.Equal(name, File.ReadAllText(Path.Combine(Results, name))));
        Assert.True(Directory.Exists(Path.Combine(Folder, "networks")));
        Assert.True(Directory.Exists(Path.Combine(Results, $"opencloud.build-isolated-{Stranger}-eth3")));
        Assert.Contains("other software", Assert.Single(_told), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FoldersThatWereThere_Stay(bool withResults)
    {
        Directory.CreateDirectory(withResults ? Results : Folder);
        CniResults before = CniResults.Before(Folder);
        CniResults.Create(Folder);
        Write($"opencloud.build-isolated-{Container}-eth0");
        Undo(before);
        Assert.Equal((true, withResults), (Directory.Exists(Folder), Directory.Exists(Results)));
        Assert.Empty(Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories));
        Assert.Empty(_told);
    }

    [Fact]
    public void ALinkOfTheEnginesName_LeadsNowhere()
    {
        string other = Path.Combine(_root, "other");
        File.WriteAllText(other, "other");
        CniResults before = CniResults.Before(Folder);
        CniResults.Create(Folder);
        File.CreateSymbolicLink(Path.Combine(Results, $"opencloud.build-isolated-{Container}-eth0"), other);
        Undo(before);
        Assert.Equal((false, "other"), (Directory.Exists(Folder), File.ReadAllText(other)));
    }

    private void Undo(CniResults change) => change.Undo(_told.Add);

    private void Write(params string[] names)
    {
        foreach (string name in names)
        {
            File.WriteAllText(Path.Combine(Results, name), name);
        }
    }
}
