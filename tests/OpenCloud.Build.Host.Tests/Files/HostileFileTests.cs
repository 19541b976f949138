using System.Diagnostics;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Install;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Files;

/// <summary>Links, pipes, locks and folders that a user put in root's way.</summary>
public sealed class FilesTests
{
    [Fact]
    public void AnEnginesStateThatBecameALinkIsKept()
    {
        using StrangersFolder folder = new();
        string kept = Directory.CreateDirectory($"{folder.Root}/kept/buildkit").FullName;
        File.WriteAllText($"{kept}/file", "root's");
        UserAccount nobody = SystemAccounts.FindUser("nobody")!;
        StrangersFolder.As(() => File.CreateSymbolicLink($"{folder.Home}/share", $"{folder.Root}/kept"));
        EngineStateCreated through = new($"{folder.Home}/share/buildkit", "/bin/false", nobody.Name);
        Assert.Throws<IOException>(() => through.Undo(static _ => { }));

        StrangersFolder.As(() => File.CreateSymbolicLink($"{folder.Home}/state", kept));
        List<string> told = new();
        new EngineStateCreated($"{folder.Home}/state", "/bin/false", nobody.Name).Undo(told.Add);
        Assert.Single(told);

        // A directory of somebody else's in the place of the engine's.
        told.Clear();
        StrangersFolder.As(() => Directory.CreateDirectory($"{folder.Home}/other"));
        new EngineStateCreated($"{folder.Home}/other", "/bin/false", nobody.Name).Undo(told.Add);
        Assert.Single(told);
        Assert.True(File.Exists($"{kept}/file"));
    }

    [Fact]
    public void WhatWasAUsersIsNotTouchedWhenTheUserIsGone()
    {
        using StrangersFolder folder = new();
        string file = $"{folder.Home}/file";
        StrangersFolder.As(() => File.WriteAllText(file, "text"));
        Assert.Throws<HostException>(() => ActingUser.Run("no-such-user-here", () => File.Delete(file)));
        Assert.Throws<HostException>(() => new TextWritten(file, FileHash.OfText("text"), null, "no-such-user-here").Undo(static _ => { }));
        Assert.Throws<HostException>(() => new EngineStateCreated(folder.Home, "/bin/false", "no-such-user-here").Undo(static _ => { }));
        Assert.Throws<HostException>(() => new ManagedUnit("buildkit.service", "no-such-user-here").Enable());
        Assert.True(File.Exists(file));

        // What went with its user is taken back.
        new TextWritten($"{folder.Home}/gone", "0", null, "no-such-user-here").Undo(static _ => { });
    }

    [Fact]
    public async Task ATextInAUsersPlaceHoldsNobody()
    {
        using StrangersFolder folder = new();
        StrangersFolder.Fifo($"{folder.Home}/pipe");
        StrangersFolder.As(() => File.CreateSymbolicLink($"{folder.Home}/zero", "/dev/zero"));
        foreach (string name in (string[])["pipe", "zero"])
        {
            Task<TextOwner> owner = Task.Run(() => OwnedText.OwnerOf($"{folder.Home}/{name}"), TestContext.Current.CancellationToken);
            Assert.Equal(TextOwner.User, await owner.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
            Assert.ThrowsAny<IOException>(() => FileHash.Of($"{folder.Home}/{name}"));
            Assert.False(new HostView().Contains($"{folder.Home}/{name}", "text"));
            Assert.Null(new HostView().ReadText($"{folder.Home}/{name}"));
        }
    }

    [Fact]
    public void TheLockIsClosedToOthersAndFollowsNoLink()
    {
        using StrangersFolder folder = new();
        string path = $"{folder.Root}/run/lock";
        Directory.CreateDirectory($"{folder.Root}/run", (UnixFileMode)0x1ff);
        using (Take(path, TimeSpan.FromSeconds(5)))
        {
            Assert.Equal((0x1c0u, 0x180u), (FileStatus.Read($"{folder.Root}/run")!.Mode, FileStatus.Read(path)!.Mode));
            Assert.ThrowsAny<UnauthorizedAccessException>(() => StrangersFolder.As(() => File.OpenRead(path).Dispose()));
            HostException busy = Assert.Throws<HostException>(() => Take(path, TimeSpan.Zero));
            Assert.Equal(HostErrorKind.Busy, busy.Kind);
            Assert.Contains(Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), busy.Message, StringComparison.Ordinal);
        }

        File.Delete(path);
        File.WriteAllText($"{folder.Root}/target", "theirs");
        File.CreateSymbolicLink(path, $"{folder.Root}/target");
        Assert.ThrowsAny<IOException>(() => Take(path, TimeSpan.Zero));
        Assert.Equal("theirs", File.ReadAllText($"{folder.Root}/target"));

        // A folder that somebody else was first with.
        StrangersFolder.As(() => Directory.CreateDirectory($"{folder.Home}/lock"));
        Assert.Equal(HostErrorKind.Conflict, Assert.Throws<HostException>(() => Take($"{folder.Home}/lock/lock", TimeSpan.Zero)).Kind);
    }

    [Fact]
    public void ALockThatGoesWithItsHolderLeavesNothing()
    {
        using StrangersFolder folder = new();
        string path = $"{folder.Root}/own/lock";
        Take(path, TimeSpan.Zero, remove: true).Dispose();
        Assert.False(Directory.Exists($"{folder.Root}/own"));
        Take(path, TimeSpan.Zero, remove: true).Dispose();
    }

    [Fact]
    public void APrefixBelowAFolderOfOthersIsRefused()
    {
        using StrangersFolder folder = new();
        Assert.Equal(HostErrorKind.InvalidInput, Assert.Throws<HostException>(() => EngineLayout.RequirePrefixOfRoot($"{folder.Home}/opt")).Kind);
        Assert.Equal(HostErrorKind.InvalidInput, Assert.Throws<HostException>(() => EngineLayout.RequirePrefixOfRoot("/tmp/opt/buildkit")).Kind);
        EngineLayout.RequirePrefixOfRoot("/usr/share/opencloud/yet/to/be");
    }

    private static HostLock Take(string path, TimeSpan patience, bool remove = false)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            return HostLock.Take(patience, static _ => { }, TestContext.Current.CancellationToken, path, remove);
        }
        finally
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30));
        }
    }
}
