using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Files;

/// <summary>Files that a user names, where something is already.</summary>
public sealed class OutputPlaceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void ALinkStaysAndWhatItLeadsToIsReplaced()
    {
        using Scratch scratch = new();
        string target = scratch.Text("target", "old");
        string place = scratch.Link("place", target);
        OutputPlace.Of(place).Write("new"u8, Token);
        Assert.Equal(target, new FileInfo(place).LinkTarget);
        Assert.Equal("new", File.ReadAllText(target));

        string dangling = scratch.Link("dangling", scratch["made"]);
        OutputPlace.Of(dangling).Write("made"u8, Token);
        Assert.Equal("made", File.ReadAllText(scratch["made"]));
    }

    [Fact]
    public void ALinkThatSomebodyElsePutThereIsRefused()
    {
        Assert.SkipUnless(Scratch.IsRoot, "needs root to stand for two users");
        using Scratch scratch = new();
        string target = scratch.Text("target", "old");
        string place = scratch.Link("place", target);
        Assert.Equal(0, LinuxCalls.ChangeOwner(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(place), Scratch.Stranger, Scratch.Stranger, LinuxCalls.NoFollowLinks));
        Assert.Throws<IOException>(() => OutputPlace.Of(place));
        Assert.Equal("old", File.ReadAllText(target));
    }

    [Fact]
    public async Task ANamedPipeIsWrittenToAndStays()
    {
        using Scratch scratch = new();
        scratch.Fifo("pipe");
        Assert.Contains("No process reads", Assert.Throws<IOException>(() => OutputPlace.Of(scratch["pipe"]).Write("lost"u8, Token)).Message, StringComparison.Ordinal);
        using Process reader = Process.Start(new ProcessStartInfo("cat", [scratch["pipe"]]) { RedirectStandardOutput = true })!;
        Task<string> read = reader.StandardOutput.ReadToEndAsync(Token);
        while (true)
        {
            try
            {
                OutputPlace.Of(scratch["pipe"]).Write("text"u8, Token);
                break;
            }
            catch (IOException)
            {
                // The reader has not opened it yet.
                await Task.Delay(10, Token);
            }
        }

        Assert.Equal("text", await read);
        Assert.True(OutputPlace.Of(scratch["pipe"]).IsPipe);
    }

    [Fact]
    public void ADeviceIsWrittenToAndStays()
    {
        // A directory entry that leads to the device, so that a fault of ours cannot take the machine's away.
        using Scratch scratch = new();
        string place = scratch.Link("null", "/dev/null");
        Assert.True(OutputPlace.Of(place).IsSpecial);
        OutputPlace.Of(place).Write("text"u8, Token);
        Assert.Equal("/dev/null", new FileInfo(place).LinkTarget);
    }

    [Fact]
    public void AFileKeepsItsModeAndANewOneGetsTheUsual()
    {
        using Scratch scratch = new();
        string place = scratch.Text("place", "old");
        File.SetUnixFileMode(place, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        OutputPlace.Of(place).Write("new"u8, Token);
        Assert.Equal(0x180u, FileStatus.Read(place)!.Mode);
        OutputPlace.Of(scratch["fresh"]).Write("new"u8, Token);
        Assert.Equal(FileStatus.Read(scratch.Text("usual", ""))!.Mode & 0x1B6, FileStatus.Read(scratch["fresh"])!.Mode);
        Assert.Throws<IOException>(() => OutputPlace.Of(scratch.SubFolder("folder")));
    }

    [Fact]
    public void WhatGrowsStaysTheFileItIs()
    {
        using Scratch scratch = new();
        string target = scratch.Text("target", "old and longer");
        using (FileStream follower = File.OpenRead(target))
        using (Stream log = OutputPlace.Of(scratch.Link("log", target)).OpenGrowing())
        {
            log.Write("new"u8);
            Assert.Equal("new", new StreamReader(follower).ReadToEnd());
        }

        Assert.Equal(target, new FileInfo(scratch["log"]).LinkTarget);
        using (Stream device = OutputPlace.Of(scratch.Link("null", "/dev/null")).OpenGrowing())
        {
            device.Write("text"u8);
        }

        Assert.Equal("/dev/null", new FileInfo(scratch["null"]).LinkTarget);
        Assert.Contains("No process reads", Assert.Throws<IOException>(() => OutputPlace.Of(scratch.Fifo("pipe")).OpenGrowing()).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => OutputPlace.Of(scratch.SubFolder("folder")));
    }

    [Fact]
    public async Task ASlowReaderOfAPipeIsWaitedForUntilItIsStopped()
    {
        using Scratch scratch = new();
        using FileStream reader = new(scratch.Fifo("pipe"), FileMode.Open, FileAccess.ReadWrite);
        byte[] content = new byte[300_000];
        content[^1] = 7;
        using CancellationTokenSource stop = new();
        Task writing = Task.Run(() => OutputPlace.Of(scratch["pipe"]).Write(content, stop.Token), Token);
        byte[] read = new byte[content.Length];
        await reader.ReadExactlyAsync(read, Token);
        await writing;
        Assert.Equal(content, read);

        writing = Task.Run(() => OutputPlace.Of(scratch["pipe"]).Write(content, stop.Token), Token);
        await reader.ReadExactlyAsync(read.AsMemory(0, 1), Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task AnArchivesPipeIsWaitedFor()
    {
        using Scratch scratch = new();
        using CancellationTokenSource stop = new(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => OutputPlace.Of(scratch.Fifo("pipe")).OpenThroughAsync(stop.Token));
        Task<ThroughStream> opening = OutputPlace.Of(scratch["pipe"]).OpenThroughAsync(Token);
        using FileStream reader = new(scratch["pipe"], FileMode.Open, FileAccess.Read);
        await using ThroughStream stream = await opening;
        Assert.True(stream.CanWrite);
    }

    [Fact]
    public void WhatIsWrittenInPlaceIsARegularFile()
    {
        const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using Scratch scratch = new();
        string target = scratch.Text("target", "theirs");
        Assert.Contains("is not written to", Assert.Throws<IOException>(() => OwnFile.Open(scratch.Link("link", target), Closed)).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => OwnFile.Open(scratch.Fifo("pipe"), Closed));
        Assert.Throws<IOException>(() => OwnFile.Open(scratch.SubFolder("folder"), Closed));
        Assert.Equal("theirs", File.ReadAllText(target));
        using FileStream made = OwnFile.Open(scratch["made"], Closed);
        Assert.Equal(0x180u, FileStatus.Read(scratch["made"])!.Mode);
    }
}
