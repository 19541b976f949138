using OpenCloud.Build.Client.Tests.Engines;
using OpenCloud.Build.Linux.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Programs;

public sealed class ProgramFinderTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData(":", "")]
    [InlineData(".:bin:./bin:../bin:~/bin", "")]
    [InlineData(":/usr/bin::/bin:", "/usr/bin /bin")]
    public void PathsFolders_AreTheAbsoluteOnes(string path, string expected) => Assert.Equal(expected, string.Join(' ', ProgramFinder.Folders(path)));

    [Fact]
    public void WithoutPath_TheSystemsFoldersAreLookedInto() => Assert.Equal(ProgramFinder.SystemFolders, ProgramFinder.Folders(null));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("/bin/sh")]
    [InlineData("a\0b")]
    public void Names_AreNamesOnly(string name) => Assert.Throws<ArgumentException>(() => ProgramFinder.Find(name, ["/usr/bin"]));

    [Fact]
    public void OnlyRegularExecutableFiles_AreFound()
    {
        using ProgramFolder first = new();
        using ProgramFolder second = new();
        first.Add("plain", mode: 0x1A4);
        Directory.CreateDirectory(Path.Join(first.Path, "folder"));
        ProgramFolder.Run("mkfifo", "--mode=777", Path.Join(first.Path, "pipe"));
        File.CreateSymbolicLink(Path.Join(first.Path, "dangling"), "nowhere");
        File.CreateSymbolicLink(Path.Join(first.Path, "link"), first.Add("real"));
        foreach (string name in new[] { "plain", "folder", "pipe", "dangling" })
        {
            Assert.Null(ProgramFinder.Find(name, [first.Path]));
            string real = second.Add(name);
            Assert.Equal(real, ProgramFinder.Find(name, [first.Path, "relative", "", second.Path]));
        }

        Assert.Equal(Path.Join(first.Path, "link"), ProgramFinder.Find("link", [first.Path]));
    }

    [Fact]
    public void RootRuns_WhatOnlyRootCanChange()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Files of other users need root.");
        using ProgramFolder mine = new();
        string program = mine.Add("program");
        Assert.Null(ProgramTrust.Objection(program));
        Assert.Null(ProgramTrust.Objection(ProgramFinder.InSystem("sh")!));

        string theirs = mine.Add("theirs");
        ProgramFolder.Run("chown", "nobody", theirs);
        Refused(mine.Path, "theirs", "belongs to the user");
        Refused(mine.Path, Linked(mine, "to-theirs", theirs), "belongs to the user");

        string open = mine.Add("open", mode: 0x1FF);
        Refused(mine.Path, "open", $"'{open}' is writable by other users");

        mine.Add("group", mode: 0x1FD);
        Assert.NotNull(Found(mine.Path, "group"));
        ProgramFolder.Run("chgrp", "nogroup", Path.Join(mine.Path, "group"));
        Refused(mine.Path, "group", "is writable by other users");

        mine.Add("shared/below/program");
        File.SetUnixFileMode(Path.Join(mine.Path, "shared"), (UnixFileMode)0x3FF);
        Assert.NotNull(Found(Path.Join(mine.Path, "shared/below"), "program"));
        mine.Add("shared/program");
        Refused(Path.Join(mine.Path, "shared"), "program", "is writable by other users");
        File.SetUnixFileMode(Path.Join(mine.Path, "shared"), (UnixFileMode)0x1FF);
        Refused(Path.Join(mine.Path, "shared/below"), "program", "is writable by other users");

        // A folder of somebody else's on the way of a link, or above.
        mine.Add("home/program");
        ProgramFolder.Run("chown", "nobody", Path.Join(mine.Path, "home"));
        Refused(Path.Join(mine.Path, "home"), "program", "belongs to the user");
        File.CreateSymbolicLink(Path.Join(mine.Path, "home/back"), "../program");
        Refused(mine.Path, Linked(mine, "there-and-back", "home/back"), "belongs to the user");
        Assert.NotNull(Found(mine.Path, Linked(mine, "fine", "./marks/../program")));
        Linked(mine, "loop", "loop");
        Assert.NotNull(ProgramTrust.Objection(Path.Join(mine.Path, "loop")));

        // Without root it is the user's own choice.
        Assert.NotNull(OtherUser.Run(() => ProgramFinder.Find("theirs", [mine.Path])));
    }

    private static string? Found(string folder, string name) => ProgramFinder.Find(name, [folder], trustedOnly: true);

    private static void Refused(string folder, string name, string reason)
    {
        Assert.Null(Found(folder, name));
        Assert.NotNull(ProgramFinder.Find(name, [folder], trustedOnly: false));
        Assert.Contains(reason, ProgramTrust.Objection(Path.Join(folder, name)), StringComparison.Ordinal);
    }

    private static string Linked(ProgramFolder folder, string name, string target)
    {
        File.CreateSymbolicLink(Path.Join(folder.Path, name), target);
        return name;
    }
}
