using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Caches;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Caches;

/// <summary>The index of a layout, where something else than a file is in its place.</summary>
public sealed class LayoutIndexFileTests : IDisposable
{
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private readonly string _folder = Directory.CreateTempSubdirectory("ocb-layout-").FullName;

    private string this[string name] => Path.Combine(_folder, name);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ALinkStaysAndWhatItLeadsToIsReplaced()
    {
        Directory.CreateDirectory(this["real"]);
        Directory.CreateDirectory(this["layout"]);
        File.WriteAllText(this["real/index.json"], """{"schemaVersion":2,"manifests":[{"digest":"sha256:old","annotations":{"org.opencontainers.image.ref.name":"old"}}]}""");
        File.CreateSymbolicLink(this["layout/index.json"], this["real/index.json"]);
        Put(this["layout"]);
        Assert.Equal(this["real/index.json"], new FileInfo(this["layout/index.json"]).LinkTarget);
        Assert.Equal(2, JsonNode.Parse(File.ReadAllText(this["real/index.json"]))!["manifests"]!.AsArray().Count);
        Assert.Equal(Digest, new LayoutIndexFile(this["layout"]).Find("new"));
    }

    [Theory]
    [InlineData("index.json")]
    [InlineData("index.json.lock")]
    public void APipeIsRefused(string name)
    {
        Assert.Equal(0, LinuxCalls.MakeFifo(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(this[name]), 0x180));
        Assert.Throws<IOException>(() => Put(_folder));
        Assert.Equal(UnixMode.NamedPipe, Kind(name));
    }

    [Fact]
    public void ALockThatLeadsElsewhereIsRefused()
    {
        File.CreateSymbolicLink(this["index.json.lock"], this["made"]);
        Assert.Throws<IOException>(() => Put(_folder));
        Assert.False(File.Exists(this["made"]));
        Assert.False(File.Exists(this["index.json"]));
    }

    [Fact]
    public void NothingElseIsLeft()
    {
        Put(_folder);
        Put(_folder);
        Assert.Equal([this["index.json"], this["index.json.lock"], this["oci-layout"]], Directory.GetFileSystemEntries(_folder).Order(StringComparer.Ordinal));
    }

    private static void Put(string folder) => new LayoutIndexFile(folder).Put(new JsonObject { ["digest"] = Digest }, ["new"]);

    private uint Kind(string name)
    {
        Assert.True(LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(this[name]), LinuxCalls.NoFollowLinks, out LinuxStat stat));
        return stat.Type;
    }
}
