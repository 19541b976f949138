using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Files;

/// <summary>Files that a user names, where something is already.</summary>
public sealed class OutputPlaceTests
{
    [Fact]
    public void ALinkStaysAndWhatItLeadsToIsReplaced()
    {
        using Scratch scratch = new();
        string target = scratch.Text("target", "old");
        string place = scratch.Link("place", target);
        OutputPlace.Of(place).Write("new"u8);
        Assert.Equal(target, new FileInfo(place).LinkTarget);
        Assert.Equal("new", File.ReadAllText(target));

        string dangling = scratch.Link("dangling", scratch["made"]);
        OutputPlace.Of(dangling).Write("made"u8);
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
        Assert.Contains("Nobody reads", Assert.Throws<IOException>(() => OutputPlace.Of(scratch["pipe"]).Write("lost"u8)).Message, StringComparison.Ordinal);
        using Process reader = Process.Start(new ProcessStartInfo("cat", [scratch["pipe"]]) { RedirectStandardOutput = true })!;
        Task<string> read = reader.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (true)
        {
            try
            {
                OutputPlace.Of(scratch["pipe"]).Write("text"u8);
                break;
            }
            catch (IOException)
            {
                // The reader has not opened it yet.
                await Task.Delay(10, TestContext.Current.CancellationToken);
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
        OutputPlace.Of(place).Write("text"u8);
        Assert.Equal("/dev/null", new FileInfo(place).LinkTarget);
    }

    [Fact]
    public void AFileKeepsItsModeAndANewOneGetsTheUsual()
    {
        using Scratch scratch = new();
        string place = scratch.Text("place", "old");
        File.SetUnixFileMode(place, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        OutputPlace.Of(place).Write("new"u8);
        Assert.Equal(0x180u, FileStatus.Read(place)!.Mode);
        OutputPlace.Of(scratch["fresh"]).Write("new"u8);
        Assert.Equal(FileStatus.Read(scratch.Text("usual", ""))!.Mode & 0x1B6, FileStatus.Read(scratch["fresh"])!.Mode);
        Assert.Throws<IOException>(() => OutputPlace.Of(scratch.SubFolder("folder")));
    }
}
