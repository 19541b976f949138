using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Files;

public sealed class TreeRemovalTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void RemovesATreeAndLeavesWhatItsLinksLeadTo()
    {
        using Scratch scratch = new();
        scratch.SubFolder("kept");
        scratch.Text("kept/file");
        scratch.SubFolder("tree/a/b/c");
        scratch.Text("tree/a/file");
        scratch.Fifo("tree/a/pipe");
        scratch.Link("tree/a/b/away", scratch["kept"]);
        scratch.Link("tree/a/file-away", scratch["kept/file"]);
        Assert.True(TreeRemoval.Remove(scratch["tree"], cancellationToken: Stop));
        Assert.False(Directory.Exists(scratch["tree"]));
        Assert.True(File.Exists(scratch["kept/file"]));
        Assert.True(TreeRemoval.Remove(scratch["tree"], cancellationToken: Stop));
    }

    [Fact]
    public void TakesALinkForTheTreeAsALink()
    {
        using Scratch scratch = new();
        scratch.SubFolder("kept");
        scratch.Text("kept/file");
        scratch.Link("tree", scratch["kept"]);
        Assert.False(TreeRemoval.Remove(scratch["tree"], static _ => true, Stop));
        Assert.True(TreeRemoval.Remove(scratch["tree"], cancellationToken: Stop));
        Assert.True(File.Exists(scratch["kept/file"]));
    }

    [Fact]
    public void LeavesWhatItIsToldToLeave()
    {
        using Scratch scratch = new();
        scratch.SubFolder("tree");
        scratch.Text("tree/file");
        Assert.False(TreeRemoval.Remove(scratch["tree"], static stat => stat.Uid == Scratch.Stranger, Stop));
        Assert.True(File.Exists(scratch["tree/file"]));
    }

    [Fact]
    public void TakesATreeOfAnyDepth()
    {
        using Scratch scratch = new();
        int at = LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(scratch.SubFolder("tree")), LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
        for (int depth = 0; depth < 6000; depth++)
        {
            Assert.Equal(0, LinuxCalls.MakeDirectory(at, "deep\0"u8, 0x1C0));
            int next = LinuxCalls.Open(at, "deep\0"u8, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
            _ = LinuxCalls.Close(at);
            at = next;
        }

        _ = LinuxCalls.Close(at);
        Assert.True(TreeRemoval.Remove(scratch["tree"], cancellationToken: Stop));
        Assert.False(Directory.Exists(scratch["tree"]));
    }

    [Fact]
    public void TakesADirectoryOfAnySize()
    {
        using Scratch scratch = new();
        scratch.SubFolder("tree");
        for (int number = 0; number < 9000; number++)
        {
            scratch.Link($"tree/{number}", "nowhere");
        }

        Assert.True(TreeRemoval.Remove(scratch["tree"], cancellationToken: Stop));
        Assert.False(Directory.Exists(scratch["tree"]));
    }

    [Fact]
    public void DoesNotEnterAnotherMount()
    {
        Assert.SkipUnless(Scratch.IsRoot, "needs root to mount");
        using Scratch scratch = new();
        scratch.SubFolder("kept");
        scratch.Text("kept/file");
        scratch.SubFolder("tree/mounted");
        Assert.SkipUnless(Run("mount", "--bind", scratch["kept"], scratch["tree/mounted"]) == 0, "no mounts can be made here");
        try
        {
            IOException error = Assert.Throws<IOException>(() => TreeRemoval.Remove(scratch["tree"], cancellationToken: Stop));
            Assert.Contains("is a mount point", error.Message, StringComparison.Ordinal);
            Assert.True(File.Exists(scratch["kept/file"]));
        }
        finally
        {
            Run("umount", scratch["tree/mounted"]);
        }
    }

    // What took root's files away with a removal by paths: folders that become links between being looked at and being entered.
    [Fact]
    public async Task FollowsNoFolderThatBecomesALinkMeanwhile()
    {
        for (int round = 0; round < 20; round++)
        {
            using Scratch scratch = new();
            scratch.SubFolder("kept");
            for (int number = 0; number < 20; number++)
            {
                scratch.Text($"kept/{number}");
                scratch.SubFolder($"tree/{number}");
                scratch.Text($"tree/{number}/file");
            }

            using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            Task swapping = Task.Run(
                () =>
                {
                    while (!done.IsCancellationRequested)
                    {
                        for (int number = 0; number < 20; number++)
                        {
                            byte[] name = DirectoryWalk.Terminated(scratch[$"tree/{number}"]);
                            byte[] aside = DirectoryWalk.Terminated(scratch[$"aside{number}"]);
                            if (LinuxCalls.Rename(LinuxCalls.CurrentDirectory, name, LinuxCalls.CurrentDirectory, aside) == 0)
                            {
                                _ = LinuxCalls.MakeSymlink(DirectoryWalk.Terminated(scratch["kept"]), LinuxCalls.CurrentDirectory, name);
                            }
                        }
                    }
                },
                Stop);
            try
            {
                TreeRemoval.Remove(scratch["tree"], cancellationToken: Stop);
            }
            catch (IOException)
            {
                // It may be disturbed; it may not go astray.
            }

            await done.CancelAsync();
            await swapping;
            Assert.Equal(20, Directory.GetFiles(scratch["kept"]).Length);
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
