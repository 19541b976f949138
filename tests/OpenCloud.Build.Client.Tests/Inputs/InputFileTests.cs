using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Inputs;

public sealed class InputFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_regular_file_is_read_whole_with_its_time()
    {
        _directory.File("a", "text");
        FileContent content = InputFile.ReadNamed(At("a"), 4, Cancellation);
        Assert.Equal("text", Encoding.UTF8.GetString(content.Bytes));
        Assert.True(content.IsRegular);
        Assert.Equal((File.GetLastWriteTimeUtc(At("a")) - DateTime.UnixEpoch).Ticks, content.Modified / 100);
    }

    [Fact]
    public void The_bound_is_kept_whatever_a_length_says()
    {
        _directory.File("a", "text");
        Assert.Contains("larger than the limit of 3 bytes", Assert.Throws<IOException>(() => InputFile.ReadNamed(At("a"), 3, Cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("larger", Assert.Throws<IOException>(() => InputFile.ReadNamed("/dev/zero", 100_000, Cancellation)).Message, StringComparison.Ordinal);

        // Files of /proc have no length.
        Assert.NotEmpty(InputFile.ReadNamed("/proc/self/status", 1 << 20, Cancellation).Bytes);
        Assert.Contains("larger", Assert.Throws<IOException>(() => InputFile.ReadNamed("/proc/self/status", 10, Cancellation)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipe_is_read_to_the_end_of_its_writer()
    {
        _directory.Pipe("pipe");
        Task<FileContent> reading = Task.Run(() => InputFile.ReadNamed(At("pipe"), 1 << 20, Cancellation), Cancellation);
        using (FileStream writer = new(At("pipe"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0))
        {
            writer.Write(new byte[100_000]);
            writer.Flush();
            writer.Write("end"u8);
        }

        FileContent content = await reading;
        Assert.Equal(100_003, content.Bytes.Length);
        Assert.False(content.IsRegular);
    }

    [Fact]
    public async Task A_pipe_without_a_writer_is_given_up_when_that_is_asked()
    {
        _directory.Pipe("pipe");
        using CancellationTokenSource stop = new();
        Task<FileContent> reading = Task.Run(() => InputFile.ReadNamed(At("pipe"), 100, stop.Token), Cancellation);
        Assert.NotSame(reading, await Task.WhenAny(reading, Task.Delay(200, Cancellation)));
        Stopwatch clock = Stopwatch.StartNew();
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void A_descriptor_that_is_a_socket_is_read()
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(At("socket")));
        listener.Listen();
        using Socket writer = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        writer.Connect(new UnixDomainSocketEndPoint(At("socket")));
        using Socket reader = listener.Accept();
        writer.Send("sent"u8);
        writer.Shutdown(SocketShutdown.Both);
        Assert.Equal("sent", Encoding.UTF8.GetString(InputFile.ReadNamed($"/dev/fd/{reader.Handle}", 100, Cancellation).Bytes));
    }

    [Fact]
    public void What_nobody_named_is_a_regular_file()
    {
        _directory.Pipe("pipe");
        _directory.Folder("folder");
        _directory.File("file", "x");
        _directory.Link("link", "file");
        Assert.Contains("a named pipe", Assert.Throws<IOException>(() => InputFile.ReadRegular(At("pipe"), 100)).Message, StringComparison.Ordinal);
        Assert.Contains("a named pipe", Assert.Throws<IOException>(() => InputFile.ReadInRoot(_directory.Path, "pipe", 100)).Message, StringComparison.Ordinal);
        Assert.Contains("a named pipe", Assert.Throws<IOException>(() => { InputFile.ReadStart(At("pipe"), new byte[10]); }).Message, StringComparison.Ordinal);
        Assert.Contains("a directory", Assert.Throws<IOException>(() => InputFile.ReadRegular(At("folder"), 100)).Message, StringComparison.Ordinal);
        Assert.Contains("a device", Assert.Throws<IOException>(() => InputFile.ReadRegular("/dev/zero", 100)).Message, StringComparison.Ordinal);
        Assert.Single(InputFile.ReadRegular(At("link"), 100).Bytes);
        Assert.Throws<FileNotFoundException>(() => InputFile.ReadRegular(At("nothing"), 100));
    }

    /// <summary>Links of a context are resolved as if it were the root, by the kernel and step by step alike.</summary>
    [Theory]
    [InlineData("plain", "in")]
    [InlineData("to-file", "in")]
    [InlineData("from-root", "in")]
    [InlineData("through-folder", "in")]
    [InlineData("above-root", "in")]
    [InlineData("sub/up", "in")]
    [InlineData("absolute-out", null)]
    [InlineData("relative-out", null)]
    [InlineData("folder-out/secret", null)]
    [InlineData("loop", null)]
    [InlineData("dangling", null)]
    public void Links_end_in_the_root(string name, string? expected)
    {
        _directory.File("secret", "out");
        _directory.Folder("root");
        _directory.Folder("root/sub");
        _directory.File("root/plain", "in");
        _directory.Link("root/to-file", "plain");
        _directory.Link("root/from-root", "/plain");
        _directory.Link("root/folder", "sub");
        _directory.Link("root/through-folder", "folder/../plain");
        _directory.Link("root/above-root", "../../plain");
        _directory.Link("root/sub/up", "../to-file");
        _directory.Link("root/absolute-out", At("secret"));
        _directory.Link("root/relative-out", "../secret");
        _directory.Link("root/folder-out", "..");
        _directory.Link("root/loop", "loop");
        _directory.Link("root/dangling", "nothing");
        string root = At("root");
        using SafeFileHandle descriptor = DirectoryWalk.Open(root);
        using SafeFileHandle? stepwise = RootedPath.OpenStepwise(descriptor, name, LinuxCalls.ReadOnly | LinuxCalls.NonBlocking);
        if (expected is not null)
        {
            Assert.Equal(expected, Encoding.UTF8.GetString(InputFile.ReadInRoot(root, name, 100)!.Bytes));
            byte[] buffer = new byte[10];
            Assert.Equal(expected, Encoding.UTF8.GetString(buffer, 0, LinuxCalls.Read(DirectoryWalk.Number(stepwise!), buffer)));
            return;
        }

        Assert.Null(stepwise);
        if (name.Contains('/', StringComparison.Ordinal))
        {
            Assert.Null(InputFile.ReadInRoot(root, name, 100));
            return;
        }

        Assert.Contains($"'{root}/{name}'", Assert.Throws<LinkLeavesRootException>(() => InputFile.ReadInRoot(root, name, 100)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_there() => Assert.Null(InputFile.ReadInRoot(_directory.Path, "Dockerfile", 100));

    private string At(string name) => Path.Combine(_directory.Path, name);
}
