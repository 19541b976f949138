using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Prechecks;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Accounts;

public sealed class SubordinateIdsTests
{
    [Fact]
    public void Free_IsTheLowestRoomThatIsLeft()
    {
        IReadOnlyList<SubordinateRange> taken = SubordinateIds.Parse("a:100000:65536\nb:231072:65536\n");
        Assert.Equal(165536, SubordinateIds.FindFree(taken, [], null));
        Assert.Equal(296608, SubordinateIds.FindFree(taken, ["x:x:170000:170000::/:/bin/sh\n"], null));
        Assert.Equal(524288, SubordinateIds.FindFree(taken, [], "# SUB_UID_MIN 1\nSUB_UID_MIN\t 524288\n"));
        Assert.Null(SubordinateIds.FindFree(taken, [], "SUB_UID_MAX 165536\n"));
    }

    [Fact]
    public void Free_OverlapsNothing_WhateverIsTaken()
        => Prop.ForAll(
            ArbMap.Default.ArbFor<(ushort First, ushort Count)[]>(),
            runs =>
            {
                SubordinateRange[] taken = runs.Select((run, i) => new SubordinateRange($"u{i}", 90000 + (run.First * 3L), run.Count + 1L)).ToArray();
                long free = SubordinateIds.FindFree(taken, [], null)!.Value;
                SubordinateRange own = new("new", free, SubordinateIds.Needed);
                return free >= 100000 && SubordinateIds.Overlap([.. taken, own], "new", null) is null;
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void SumsAreRead()
    {
        string hash = new('a', 64);
        Assert.Equal(hash, RootlessKitAcquisition.HashIn($"{new string('b', 64)}  rootlesskit-aarch64.tar.gz\n{hash.ToUpperInvariant()} *rootlesskit-x86_64.tar.gz\r\n", "rootlesskit-x86_64.tar.gz"));
        Assert.Null(RootlessKitAcquisition.HashIn($"{hash}  other.tar.gz\nshort  rootlesskit-x86_64.tar.gz\n", "rootlesskit-x86_64.tar.gz"));
    }

    [Fact]
    public void Mounts_AreReadWithTheirEscapes()
    {
        MountTable table = MountTable.Parse("1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /mnt/a\\040b\\134c rw,noexec master:1 propagate_from:2 - nfs4 s:/x rw\nnonsense\n");
        Assert.Equal("nfs4", table.Of("/mnt/a b\\c/d")!.Type);
        Assert.Equal("ext4", table.Of("/mnt/a b")!.Type);
        Assert.True(table.Of("/mnt/a b\\c")!.Has("noexec"));
    }
}
