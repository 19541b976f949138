using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using Xunit;
using static OpenCloud.Build.Client.Tests.Context.Transfer.ContextSenderTests;

namespace OpenCloud.Build.Client.Tests.Context.Transfer;

/// <summary>Trees that change while they are sent, and files whose size is not what is in them.</summary>
public sealed class ContextChangeTests : IDisposable
{
    // A socket's name goes with it.
    private readonly List<System.Net.Sockets.Socket> _sockets = [];

    public void Dispose() => _sockets.ForEach(static s => s.Dispose());

    [Theory]
    [InlineData("gone", "", "no longer exists")]
    [InlineData("folder", "", "no longer exists")]
    [InlineData("shrunk", "hi", "had 5 bytes when it was listed, and 2 were sent")]
    [InlineData("grown", "hello there", "had 5 bytes when it was listed, and 11 were sent")]
    [InlineData("pipe", "", "no longer one")]
    [InlineData("socket", "", "no longer one")]
    [InlineData("link", "", "symbolic link")]
    [InlineData("parent", "", "symbolic link")]
    [InlineData("replaced", "other", null)]
    public async Task A_file_that_changes_is_sent_as_it_is_found_with_a_warning_and_strictly_it_is_an_error(string change, string sent, string? message)
    {
        using TemporaryDirectory outside = new();
        outside.File("f", "secret");
        foreach (bool strict in (bool[])[false, true])
        {
            using TemporaryDirectory directory = new();
            directory.Folder("d");
            directory.File("d/f", "hello");

            // The kernel's clock for files advances with its ticks, every 1 to 10 ms: another file of the same tick and size looks the same.
            File.SetLastWriteTimeUtc(Path.Combine(directory.Path, "d", "f"), DateTime.UtcNow.AddMinutes(-1));
            List<string> warnings = [];
            MemoryReceiver receiver = new()
            {
                Listed = stat =>
                {
                    if (stat.Path == "d/f")
                    {
                        Change(change, directory, outside);
                    }
                },
            };
            Task sending = SendAsync(new DirectoryContextSource("context", directory.Path), receiver, changes: new ContextChanges(strict, warnings.Add));
            if (strict)
            {
                ContextException error = await Assert.ThrowsAsync<ContextException>(() => sending);
                Assert.Equal(ContextErrorKind.Changed, error.Kind);
                Assert.Contains("'d/f'", error.Message, StringComparison.Ordinal);
                Assert.Contains(message ?? "", error.Message, StringComparison.Ordinal);
                Assert.Equal(error.Message, receiver.Error);
                continue;
            }

            await sending;
            Assert.Equal(sent, receiver.Text("d/f"));
            Assert.Equal(message is null ? 0 : 1, warnings.Count);
            Assert.All(warnings, w => Assert.Contains(message!, w, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Many_changes_are_not_all_named()
    {
        using TemporaryDirectory directory = new();
        for (int i = 0; i < 50; i++)
        {
            directory.File($"f{i}", "hello");
        }

        List<string> warnings = [];
        MemoryReceiver receiver = new()
        {
            Listed = stat => File.Delete(Path.Combine(directory.Path, stat.Path)),
        };
        await SendAsync(new DirectoryContextSource("context", directory.Path), receiver, changes: new ContextChanges(warn: w => { lock (warnings) { warnings.Add(w); } }));
        Assert.InRange(warnings.Count, 2, 21);
    }

    [Theory]
    [InlineData("/proc/sys/kernel", "ostype", "Linux\n")]
    [InlineData("/sys/kernel", "uevent_seqnum", null)]
    public async Task A_file_is_read_to_its_end_whatever_its_size(string directory, string name, string? content)
    {
        Assert.SkipUnless(File.Exists(Path.Combine(directory, name)), $"there is no {name} in {directory}");
        MemoryReceiver receiver = new();
        await SendAsync(
            new DirectoryContextSource("context", directory), receiver, [new("include-patterns", name)]);
        string right = content ?? await File.ReadAllTextAsync(Path.Combine(directory, name), TestContext.Current.CancellationToken);
        Assert.NotEqual(right.Length, new FileInfo(Path.Combine(directory, name)).Length);
        Assert.Equal(right, receiver.Text(name));
    }

    private void Change(string change, TemporaryDirectory directory, TemporaryDirectory outside)
    {
        string file = Path.Combine(directory.Path, "d", "f");
        switch (change)
        {
            case "shrunk":
                directory.File("d/f", "hi");
                return;
            case "grown":
                directory.File("d/f", "hello there");
                return;
            case "replaced":
                directory.File("new", "other");
                File.Move(Path.Combine(directory.Path, "new"), file, overwrite: true);
                return;
        }

        File.Delete(file);
        switch (change)
        {
            case "folder":
                Directory.Delete(Path.Combine(directory.Path, "d"));
                break;
            case "pipe":
                directory.Pipe("d/f");
                break;
            case "socket":
                _sockets.Add(new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, default));
                _sockets[^1].Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(file));
                break;
            case "link":
                directory.Link("d/f", Path.Combine(outside.Path, "f"));
                break;
            case "parent":
                Directory.Delete(Path.Combine(directory.Path, "d"));
                directory.Link("d", outside.Path);
                break;
        }
    }
}
