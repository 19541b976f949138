using System.Net.Sockets;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.FileTransfer;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Context.Transfer;

public class ContextSenderTests
{
    private const uint Directory = 1u << 31;

    [Fact]
    public async Task Every_kind_of_entry_is_listed_as_the_protocol_wants_it()
    {
        using TemporaryDirectory directory = new();
        directory.File("zero");
        directory.File("plain", "hello");
        directory.Folder("empty");
        directory.Folder("sticky"u8.ToArray(), 0x3FF);
        directory.File("setuid"u8.ToArray(), "s"u8.ToArray(), 0xDED);
        directory.File("locked"u8.ToArray(), "k"u8.ToArray(), 0);
        directory.Link("link", "plain");
        directory.Link("dangling", "/no/such/thing");
        directory.HardLink("plain2", "plain");
        directory.Pipe("pipe");
        directory.File("日本語", "ja");
        directory.File([0x66, 0xFF, 0xFE], "raw"u8.ToArray());
        directory.File(new string('n', 255), "long");
        using (FileStream sparse = new(Path.Combine(directory.Path, "sparse"), FileMode.CreateNew))
        {
            sparse.SetLength(3_000_000);
        }

        using Socket socket = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(directory.Path, "socket")));

        // Whoever is not root cannot read a file without any permission; that it is refused clearly has a test of its own.
        bool root = Environment.UserName == "root";
        MemoryReceiver receiver = new();
        Func<uint, Stat, bool> wants = receiver.Wants;
        receiver.Wants = (id, stat) => wants(id, stat) && (root || stat.Path != "locked");
        ContextCounters counters = await SendAsync(new DirectoryContextSource("context", directory.Path), receiver);

        Assert.True(receiver.Finished);
        Assert.Equal(Directory | 0x1ED, receiver["empty"].Mode);
        Assert.Equal(Directory | (1u << 20) | 0x1FF, receiver["sticky"].Mode);
        Assert.Equal((1u << 23) | (1u << 22) | 0x1ED, receiver["setuid"].Mode);
        Assert.Equal(0u, receiver["locked"].Mode);
        Assert.Equal((1u << 27) | 0x1FF, receiver["link"].Mode);
        Assert.Equal("plain", receiver["link"].Linkname);
        Assert.Equal("/no/such/thing", receiver["dangling"].Linkname);
        Assert.Equal("plain", receiver["plain2"].Linkname);
        Assert.Equal(5, receiver["plain2"].Size);
        Assert.Equal(1u << 25, receiver["pipe"].Mode & GoFileMode.TypeMask);
        Assert.Equal(0u, receiver["socket"].Mode & GoFileMode.TypeMask);
        Assert.Equal("", receiver.Text("socket"));
        Assert.Equal("", receiver.Text("zero"));
        Assert.Equal("hello", receiver.Text("plain"));
        Assert.Equal("ja", receiver.Text("日本語"));
        Assert.Equal("long", receiver.Text(new string('n', 255)));
        Assert.Equal(3_000_000, receiver.Text("sparse").Length);
        Assert.All(receiver.Stats, stat => Assert.Equal((0u, 0u), (stat.Uid, stat.Gid)));
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(directory.Path, "plain"));
        Assert.Equal((written - DateTime.UnixEpoch).Ticks, receiver["plain"].ModTime / 100);

        int raw = receiver.RawStats.FindIndex(message => message.AsSpan().IndexOf((byte[])[0x66, 0xFF, 0xFE]) >= 0);
        Assert.Equal("raw"u8.ToArray(), receiver.Content[(uint)raw]);
        Assert.Equal(receiver.Stats.Count, counters.EntriesListed);
        Assert.Equal(receiver.Content.Count, counters.FilesSent);
        Assert.Equal(receiver.Content.Values.Sum(static content => (long)content.Length), counters.BytesSent);
    }

    [Fact]
    public async Task ExtendedAttributes_AreSent()
    {
        using TemporaryDirectory directory = new();
        directory.File("plain", "hello");
        directory.Folder("empty");
        bool taken = directory.Attribute("plain", "user.first", [1, 0, 2]) && directory.Attribute("plain", "user.second", [])
            && directory.Attribute("empty", "user.third", new byte[3000]);
        Assert.SkipUnless(taken, "the file system takes no extended attributes of users");
        MemoryReceiver receiver = new();
        await SendAsync(new DirectoryContextSource("context", directory.Path), receiver);
        Assert.Equal<byte>([1, 0, 2], receiver["plain"].Xattrs["user.first"]);
        Assert.Empty(receiver["plain"].Xattrs["user.second"]);
        Assert.Equal(3000, receiver["empty"].Xattrs["user.third"].Length);
    }

    [Fact]
    public async Task Entries_come_in_the_order_of_their_components_bytes()
    {
        using TemporaryDirectory directory = new();
        foreach (string path in new[] { "a", "a.b", "a-", "\uFF5E", "\U0001F600" })
        {
            directory.Folder(path);
            directory.File(path + "/z");
        }

        MemoryReceiver receiver = new();
        await SendAsync(new DirectoryContextSource("context", directory.Path), receiver);

        // '-' and '.' are lower than '/' as characters, but "a/z" belongs to "a". U+FF5E is above U+1F600 in UTF-16 only.
        Assert.Equal(
            ["a", "a/z", "a-", "a-/z", "a.b", "a.b/z", "\uFF5E", "\uFF5E/z", "\U0001F600", "\U0001F600/z"],
            receiver.Stats.Select(static stat => stat.Path));
    }

    [Fact]
    public async Task Large_and_many_files_arrive_whole_in_few_writes()
    {
        using TemporaryDirectory directory = new();
        Random random = new(3);
        byte[] content = new byte[1_500_001];
        random.NextBytes(content);
        directory.File("large"u8.ToArray(), content);
        for (int i = 0; i < 3000; i++)
        {
            directory.File($"small{i}", new string((char)('a' + (i % 26)), i % 700));
        }

        MemoryReceiver receiver = new();
        ContextCounters counters = await SendAsync(new DirectoryContextSource("context", directory.Path), receiver);

        Assert.Equal(content, receiver.Content[(uint)receiver.Stats.FindIndex(static stat => stat.Path == "large")]);
        for (int i = 0; i < 3000; i++)
        {
            Assert.Equal(new string((char)('a' + (i % 26)), i % 700), receiver.Text($"small{i}"));
        }

        Assert.Equal(3001, counters.FilesSent);
        Assert.InRange(receiver.Writes, 1, 1500);
    }

    [Fact]
    public async Task Only_listed_regular_files_can_be_asked_for_and_each_once()
    {
        using TemporaryDirectory directory = new();
        directory.Folder("d");
        directory.File("f", "x");
        directory.Link("l", "f");
        foreach (uint id in new uint[] { 0, 2, 3, uint.MaxValue })
        {
            MemoryReceiver receiver = new() { Completed = r => r.Send(new ReceivedPacket(PacketType.Request, id, null)) };
            ContextException error = await Assert.ThrowsAsync<ContextException>(
                () => SendAsync(new DirectoryContextSource("context", directory.Path), receiver));
            Assert.Equal(ContextErrorKind.Protocol, error.Kind);
            Assert.Equal(error.Message, receiver.Error);
            Assert.False(receiver.Finished);
        }

        MemoryReceiver twice = new() { Completed = r => r.Send(new ReceivedPacket(PacketType.Request, 1, null)) };
        await Assert.ThrowsAsync<ContextException>(() => SendAsync(new DirectoryContextSource("context", directory.Path), twice));
        Assert.Contains("already requested", twice.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_receiver_ends_the_transfer()
    {
        using TemporaryDirectory directory = new();
        MemoryReceiver receiver = new() { Completed = static r => r.Send(new ReceivedPacket(PacketType.Error, 0, "disk full")) };
        ContextException error = await Assert.ThrowsAsync<ContextException>(
            () => SendAsync(new DirectoryContextSource("context", directory.Path), receiver));
        Assert.Equal(ContextErrorKind.Receiver, error.Kind);
        Assert.Contains("disk full", error.Message, StringComparison.Ordinal);
        Assert.Null(receiver.Error);
    }

    [Fact]
    public async Task An_end_before_FIN_is_an_error()
    {
        using TemporaryDirectory directory = new();
        MemoryReceiver receiver = new() { Completed = static r => r.Send(null) };
        ContextException error = await Assert.ThrowsAsync<ContextException>(
            () => SendAsync(new DirectoryContextSource("context", directory.Path), receiver));
        Assert.Equal(ContextErrorKind.Protocol, error.Kind);
    }

    [Fact]
    public async Task Cancelling_ends_the_transfer()
    {
        using TemporaryDirectory directory = new();
        using CancellationTokenSource cancellationToken = new();
        MemoryReceiver receiver = new() { Completed = _ => cancellationToken.Cancel() };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => SendAsync(new DirectoryContextSource("context", directory.Path), receiver, cancellationToken: cancellationToken));
    }

    [Fact]
    public async Task Excluded_directories_are_not_entered()
    {
        using TemporaryDirectory directory = new();
        directory.Folder("node_modules");
        directory.Folder("node_modules/deep");
        directory.File("main.js");
        directory.Folder("keep");
        directory.File("keep/this");
        directory.File("keep/not");
        MemoryReceiver receiver = new();
        await SendAsync(
            new DirectoryContextSource("context", directory.Path),
            receiver,
            [new("exclude-patterns", "node_modules"), new("exclude-patterns", "keep"), new("exclude-patterns", "!keep/this")]);
        Assert.Equal(["keep", "keep/this", "main.js"], receiver.Stats.Select(static stat => stat.Path));
    }

    [Fact]
    public async Task Memory_and_Dockerfile_sources_show_their_files_and_nothing_else()
    {
        MemoryReceiver receiver = new();
        await SendAsync(
            new MemoryContextSource("dockerfile", [
                new("Dockerfile", "FROM scratch\n"u8.ToArray()),
                new("b/c", "x"u8.ToArray()),
                new("b.d", ReadOnlyMemory<byte>.Empty)]),
            receiver);
        Assert.Equal(["Dockerfile", "b", "b/c", "b.d"], receiver.Stats.Select(static stat => stat.Path));
        Assert.Equal("FROM scratch\n", receiver.Text("Dockerfile"));
        Assert.Equal("x", receiver.Text("b/c"));

        using TemporaryDirectory directory = new();
        directory.File("My.Dockerfile", "FROM a");
        directory.File("My.Dockerfile.dockerignore", "*.log");
        directory.File("secret", "s");
        receiver = new MemoryReceiver();
        await SendAsync(
            DockerfileContent.Named(Path.Combine(directory.Path, "My.Dockerfile"), "/elsewhere", TestContext.Current.CancellationToken).ToSource("dockerfile"),
            receiver,
            [new("followpaths", "My.Dockerfile"), new("followpaths", "My.Dockerfile.dockerignore"), new("followpaths", "secret")]);
        Assert.Equal(["My.Dockerfile", "My.Dockerfile.dockerignore"], receiver.Stats.Select(static stat => stat.Path));
        Assert.Equal("FROM a", receiver.Text("My.Dockerfile"));
    }

    [Fact]
    public void A_memory_files_time_changes_with_its_content_only()
    {
        static long Time(string text)
        {
            using ContextTree tree = MemoryContextSource.FromText("d", "f", text).OpenTree();
            TreeEntry entry = new();
            Assert.True(tree.OpenRoot().TryStat("f"u8, entry));
            return entry.Modified;
        }

        Assert.Equal(Time("FROM a"), Time("FROM a"));
        Assert.NotEqual(Time("FROM a"), Time("FROM b"));
    }

    [Theory]
    [InlineData("/a")]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a\0b")]
    public void A_memory_file_must_have_a_clean_path(string path) =>
        Assert.Throws<ArgumentException>(() => MemoryContextSource.FromText("d", path, ""));

    internal static async Task<ContextCounters> SendAsync(
        ContextSource source,
        MemoryReceiver receiver,
        List<KeyValuePair<string, string>>? metadata = null,
        CancellationTokenSource? cancellationToken = null,
        ContextChanges? changes = null)
    {
        ContextCounters counters = new();
        using ContextTree tree = source.OpenTree();
        ContextFilter filter = RequestFilter.Create(FileSyncRequest.Parse(metadata ?? []), tree);
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(
            TestContext.Current.CancellationToken, cancellationToken?.Token ?? CancellationToken.None);
        await new ContextSender(receiver, tree, filter, counters, progress: null, changes: changes).RunAsync(timeout.Token);
        return counters;
    }
}
