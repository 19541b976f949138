using System.Runtime.Versioning;
using System.Text;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Inputs;

/// <summary>A secret's file may be a pipe: it is read once, within a bound, and Ctrl+C ends the waiting for its writer.</summary>
[SupportedOSPlatform("linux")]
[Collection(nameof(MeasuredAlone))]
public sealed class SecretSourceTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pipe_is_read_to_its_end()
    {
        using TemporaryDirectory place = new();
        string pipe = Pipe(place);
        Task writing = Task.Run(async () =>
        {
            await using FileStream writer = new(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            await writer.WriteAsync("first, "u8.ToArray(), Stop);
            await Task.Yield();
            await writer.WriteAsync("second"u8.ToArray(), Stop);
        }, Stop);
        byte[] content = await Task.Run(() => BuildSecret.FromFile(pipe).Read("s", Stop), Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop);
        await writing;
        Assert.Equal("first, second", Encoding.UTF8.GetString(content));
    }

    [Fact]
    public async Task A_pipe_that_nobody_writes_to_is_given_up_when_asked()
    {
        using TemporaryDirectory place = new();
        string pipe = Pipe(place);
        using CancellationTokenSource stop = new();

        // Held open, so that its end does not come either.
        using FileStream silent = new(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        Task<byte[]> reading = Task.Run(() => BuildSecret.FromFile(pipe).Read("s", stop.Token), Stop);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(TimeSpan.FromSeconds(30), Stop));
    }

    [Fact]
    public async Task A_pipe_without_end_is_given_up_at_the_bound()
    {
        using TemporaryDirectory place = new();
        string pipe = Pipe(place);
        using FileStream keeper = new(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        Task writing = Task.Run(() =>
        {
            byte[] piece = new byte[16 * 1024];
            for (int i = 0; i < 2 * BuildSecret.MaxSize / piece.Length; i++)
            {
                keeper.Write(piece);
            }
        }, Stop);
        long before = GC.GetTotalAllocatedBytes();
        IOException error = await Assert.ThrowsAsync<IOException>(() => Task.Run(() => BuildSecret.FromFile(pipe).Read("s", Stop), Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop));
        Assert.Contains("secret 's'", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64L << 20);

        // The writer is let go.
        byte[] rest = new byte[64 * 1024];
        while (!writing.IsCompleted)
        {
            _ = keeper.Read(rest);
        }

        await writing;
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("sparse")]
    [InlineData("/tmp")]
    [InlineData("absent")]
    public void What_is_too_large_or_no_file_is_refused_at_once(string source)
    {
        using TemporaryDirectory place = new();
        string path = source[0] == '/' ? source : Path.Combine(place.Path, source);
        if (source == "sparse")
        {
            using FileStream sparse = new(path, FileMode.CreateNew);
            sparse.SetLength(1L << 40);
        }

        Budget.Hold(source, TimeSpan.FromSeconds(2), 16L << 20, () => Assert.Throws<IOException>(() => BuildSecret.FromFile(path).Read("s", Stop)));
    }

    private static string Pipe(TemporaryDirectory place)
    {
        string path = Path.Combine(place.Path, "pipe");
        Assert.Equal(0, LinuxCalls.MakeFifo(LinuxCalls.CurrentDirectory, [.. Encoding.UTF8.GetBytes(path), 0], 0x180));
        return path;
    }
}
