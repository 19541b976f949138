using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Protocol.Control;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Caches;

/// <summary>Limits of a cache, said to engines that understand them differently.</summary>
public sealed class BuildCachePruneTests
{
    [Fact]
    public void NewEngine_GetsEachLimitInItsField()
    {
        PruneRequest request = new BuildCachePrune { KeepStorage = 1, MaxUsedSpace = 2, MinFreeSpace = 3 }.ToRequest(true);
        Assert.Equal((1L, 2L, 3L), (request.ReservedSpace, request.MaxUsedSpace, request.MinFreeSpace));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(null)]
    public void OldOrUnknownEngine_NeverGetsALimitInANewFieldAlone(bool? knows)
    {
        PruneRequest most = new BuildCachePrune { MaxUsedSpace = 7 }.ToRequest(knows);
        PruneRequest keep = new BuildCachePrune { KeepStorage = 7 }.ToRequest(knows);
        PruneRequest both = new BuildCachePrune { KeepStorage = 3, MaxUsedSpace = 7 }.ToRequest(knows);

        // An old engine clears down to field 4; a new one to the larger of both.
        Assert.Equal((7L, 7L), (most.ReservedSpace, most.MaxUsedSpace));
        Assert.Equal((7L, 0L), (keep.ReservedSpace, keep.MaxUsedSpace));
        Assert.Equal((7L, 7L), (both.ReservedSpace, both.MaxUsedSpace));
        Assert.Throws<NotSupportedException>(() => new BuildCachePrune { MinFreeSpace = 1 }.ToRequest(knows));
    }

    [Fact]
    public void TypesAndAge()
    {
        PruneRequest request = new BuildCachePrune { All = true, Types = ["regular", "source.local"], OlderThan = TimeSpan.FromHours(1) }.ToRequest(null);
        Assert.Equal(["type==regular", "type==source.local"], request.Filter);
        Assert.Equal(3_600_000_000_000, request.KeepDuration);
        Assert.True(request.All);
    }

    [Theory]
    [InlineData("v0.16.0", "0.16.0")]
    [InlineData("0.32.2-rc1", "0.32.2")]
    [InlineData("v0.0.0+unknown", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("26.1.5", null)]
    [InlineData("-moby", null)]
    public void Versions(string? text, string? sound)
    {
        Assert.Equal(sound, EngineInspector.SoundVersion(text)?.ToString());
    }
}
