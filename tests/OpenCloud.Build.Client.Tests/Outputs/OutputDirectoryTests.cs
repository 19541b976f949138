using System.Text;
using Google.Protobuf;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Outputs;

/// <summary>A local output over what an earlier one left.</summary>
public sealed class OutputDirectoryTests
{
    [Fact]
    public void WhatAKilledOutputLeft_IsNotInTheWay()
    {
        using TemporaryDirectory place = new();
        for (int i = 1; i < 4; i++)
        {
            place.File($".ocb-{Environment.ProcessId}-{i}.incoming", "left");
        }

        using OutputDirectory directory = new(place.Path);
        Put(directory, "a", "text");
        directory.MakeSymlink("b"u8.ToArray(), "a"u8.ToArray());
        Assert.Equal("text", File.ReadAllText(Path.Combine(place.Path, "a")));
        Assert.Equal("a", new FileInfo(Path.Combine(place.Path, "b")).LinkTarget);
    }

    [Fact]
    public void ADirectoryThatBecameAFile_IsReplaced()
    {
        using TemporaryDirectory place = new();
        place.Folder("out");
        place.Folder("out/a");
        place.Folder("out/a/b");
        place.File("out/a/b/c", "old");
        place.File("outside", "stays");
        File.CreateSymbolicLink(Path.Combine(place.Path, "out/a/link"), Path.Combine(place.Path, "outside"));
        using OutputDirectory directory = new(Path.Combine(place.Path, "out"));
        Put(directory, "a", "new");
        Assert.Equal("new", File.ReadAllText(Path.Combine(place.Path, "out", "a")));
        Assert.Equal("stays", File.ReadAllText(Path.Combine(place.Path, "outside")));
    }

    [Fact]
    public void ADirectoryThatItsOwnerMayNotWrite_TakesASecondOutput()
    {
        using TemporaryDirectory place = new();
        string path = Path.Combine(place.Path, "d");
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0x16D);
        using OutputDirectory directory = new(place.Path);
        directory.MakeDirectory("d"u8.ToArray());
        Assert.Equal(0x1ED, (int)File.GetUnixFileMode(path));
        Put(directory, "d/f", "text");
        directory.FinishDirectory("d"u8.ToArray(), StatOf("d", GoFileMode.Directory | 0x16D));
        Assert.Equal(0x16D, (int)File.GetUnixFileMode(path));
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
    }

    [Fact]
    public void ADirectorysStickyBit_IsKeptAndItsSetIdBitsAreNot()
    {
        using TemporaryDirectory place = new();
        using OutputDirectory directory = new(place.Path);
        directory.MakeDirectory("tmp"u8.ToArray());
        directory.FinishDirectory("tmp"u8.ToArray(), StatOf("tmp", GoFileMode.Directory | GoFileMode.Sticky | GoFileMode.SetGroupId | 0x1FF));
        Assert.Equal(0x3FF, (int)File.GetUnixFileMode(Path.Combine(place.Path, "tmp")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AttributesOfUsers_AreKeptWhereTheyAreAskedFor(bool keeps)
    {
        using TemporaryDirectory place = new();
        using OutputDirectory directory = new(place.Path) { KeepsAttributes = keeps };
        Stat stat = new() { Path = "f", Mode = 0x1A4 };
        stat.Xattrs["user.note"] = ByteString.CopyFromUtf8("kept");
        stat.Xattrs["trusted.right"] = ByteString.CopyFromUtf8("no");
        (FileStream stream, byte[] temporary) = directory.CreateFile("f"u8.ToArray());
        directory.Publish(stream, temporary, "f"u8.ToArray(), ReceivedStat.Read(stat.ToByteArray()));
        using ContextTree tree = new DirectoryContextSource("context", place.Path).OpenTree();
        using TreeDirectory root = tree.OpenRoot();
        TreeEntry entry = new();
        Assert.True(root.TryStat("f"u8, entry));
        Assert.Equal(keeps ? ["user.note=kept"] : [], entry.Attributes.Select(static a => $"{Encoding.UTF8.GetString(a.Key)}={Encoding.UTF8.GetString(a.Value)}"));
    }

    private static ReceivedStat StatOf(string path, uint mode) => ReceivedStat.Read(new Stat { Path = path, Mode = mode }.ToByteArray());

    private static void Put(OutputDirectory directory, string path, string text)
    {
        (FileStream stream, byte[] temporary) = directory.CreateFile(Encoding.UTF8.GetBytes(path));
        stream.Write(Encoding.UTF8.GetBytes(text));
        directory.Publish(stream, temporary, Encoding.UTF8.GetBytes(path), StatOf(path, 0x1A4));
    }
}
