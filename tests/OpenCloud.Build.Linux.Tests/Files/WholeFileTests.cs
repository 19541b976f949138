using Xunit;

namespace OpenCloud.Build.Linux.Tests.Files;

public sealed class WholeFileTests
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public void ReplacesALinkAndLeavesItsTarget()
    {
        using Scratch scratch = new();
        string target = scratch.Text("target", "theirs");
        string place = scratch.Link("place", target);
        WholeFile.Write(place, "ours", Closed);
        Assert.Equal("theirs", File.ReadAllText(target));
        Assert.Equal("ours", File.ReadAllText(place));
        Assert.Equal(InodeType.Regular, FileStatus.Read(place)!.Type);
        Assert.Equal(0x180u, FileStatus.Read(place)!.Mode);
    }

    [Fact]
    public void LeavesNothingWhenItFails()
    {
        using Scratch scratch = new();
        string place = scratch.SubFolder("place");
        Assert.Throws<IOException>(() => WholeFile.Write(place, "ours", Closed));
        Assert.Equal([place], Directory.EnumerateFileSystemEntries(scratch.Folder));
        Assert.Throws<FileNotFoundException>(() => WholeFile.Write(scratch["absent/file"], "ours", Closed));
    }

    [Fact]
    public void GivesOwnerAndMode()
    {
        Assert.SkipUnless(Scratch.IsRoot, "needs root to give a file away");
        using Scratch scratch = new();
        WholeFile.Write(scratch["a"], "text"u8, Closed, (Scratch.Stranger, 7));
        Assert.Equal((Scratch.Stranger, 7u, 0x180u), (FileStatus.Read(scratch["a"])!.Uid, FileStatus.Read(scratch["a"])!.Gid, FileStatus.Read(scratch["a"])!.Mode));
    }

    [Fact]
    public void DoesNotPassThroughAFolderThatAUserMadeALink()
    {
        Assert.SkipUnless(Scratch.IsRoot, "needs root to stand for two users");
        using Scratch scratch = new();
        string roots = scratch.SubFolder("roots");
        string home = scratch.SubFolder("home");
        FileStatus.Give(home, Scratch.Stranger, Scratch.Stranger);
        scratch.Link("home/config", roots);
        IOException error = Assert.Throws<IOException>(() => WholeFile.Write(scratch["home/config/file"], "text", Closed));
        Assert.Contains("a symbolic link that other users could have created", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(roots));

        // A link that only root could put there is root's way of laying out the machine.
        scratch.Link("var", roots);
        WholeFile.Write(scratch["var/file"], "text", Closed);
        Assert.True(File.Exists(Path.Combine(roots, "file")));
    }

    [Fact]
    public void TellsTheFirstFolderThatOthersCanWriteTo()
    {
        Assert.SkipUnless(Scratch.IsRoot, "needs root to stand for two users");
        using Scratch scratch = new();
        File.SetUnixFileMode(scratch.SubFolder("open"), (UnixFileMode)0x1ff);
        scratch.SubFolder("open/below");
        string theirs = scratch.SubFolder("theirs");
        FileStatus.Give(theirs, Scratch.Stranger, Scratch.Stranger);

        // Where the machine's own folder for such things is open to everybody, every answer is that folder.
        string? outer = DirectoryWalk.FirstOpenToOthers(scratch.Folder, 0);
        Assert.Equal(outer ?? scratch["open"], DirectoryWalk.FirstOpenToOthers(scratch["open/below/yet/to/be"], 0));
        Assert.Equal(outer ?? theirs, DirectoryWalk.FirstOpenToOthers(theirs, 0));
        Assert.Equal(outer, DirectoryWalk.FirstOpenToOthers(theirs, Scratch.Stranger));
        Assert.Null(DirectoryWalk.FirstOpenToOthers("/usr/bin", 0));
    }
}
