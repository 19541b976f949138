using System.Net;
using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Host.Releases;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Releases;

/// <summary>Downloads from a server on loopback that answers as it is told, and breaks off where it is told.</summary>
public sealed class ReleaseDownloadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocb-download-").FullName;
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly List<string> _requests = [];
    private readonly HttpClient _client = ReleaseDownload.CreateClient();

    public ReleaseDownloadTests()
    {
        _server.Start();
    }

    private Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_server.LocalEndpoint).Port}/a.tar.gz");

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task TakesUpWhereTheConnectionBroke()
    {
        string content = new string('a', 5000) + new string('b', 5000);
        Task serving = ServeAsync(
            $"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\nETag: \"one\"\r\n\r\n{content[..6000]}",
            $"HTTP/1.1 206 Partial Content\r\nContent-Length: 4000\r\nContent-Range: bytes 6000-9999/10000\r\nETag: \"one\"\r\n\r\n{content[6000..]}");
        List<(long, long?)> seen = new();
        string path = await new ReleaseDownload(_client).FetchAsync(Address, _folder, (have, all) => seen.Add((have, all)), TestContext.Current.CancellationToken);
        await serving;
        Assert.Equal(content, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Contains("Range: bytes=6000-", _requests[1], StringComparison.Ordinal);
        Assert.Contains("If-Range: \"one\"", _requests[1], StringComparison.Ordinal);
        Assert.Equal((10000, 10000), seen[^1]);
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task AsksAgainWhenTheConnectionBrokeBeforeTheAnswer()
    {
        Task serving = ServeAsync(string.Empty, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
        string path = await new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken);
        await serving;
        Assert.Equal("yes", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("a link")]
    [InlineData("a pipe")]
    public async Task WritesToNothingButAFileOfItsOwn(string what)
    {
        string place = Path.Combine(_folder, "a.tar.gz.part");
        string target = Path.Combine(_folder, "theirs");
        await File.WriteAllTextAsync(target, "theirs", TestContext.Current.CancellationToken);
        if (what == "a link")
        {
            File.CreateSymbolicLink(place, target);
        }
        else
        {
            Assert.Equal(0, LinuxCalls.MakeFifo(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(place), 0x180));
        }

        Task serving = ServeAsync("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
        HostException error = await Assert.ThrowsAsync<HostException>(() => new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken));
        await serving;
        Assert.Contains("is not written to", error.Message, StringComparison.Ordinal);
        Assert.Equal("theirs", await File.ReadAllTextAsync(target, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task BeginsAnewWhenTheFileIsAnother()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "a.tar.gz.part"), "old half", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "a.tar.gz.etag"), "\"old\"", TestContext.Current.CancellationToken);
        Task serving = ServeAsync("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: \"new\"\r\n\r\nnew");
        string path = await new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken);
        await serving;
        Assert.Contains("If-Range: \"old\"", _requests[0], StringComparison.Ordinal);
        Assert.Equal("new", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task NotFound_SaysSo()
    {
        Task serving = ServeAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        HostException error = await Assert.ThrowsAsync<HostException>(() => new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken));
        await serving;
        Assert.Equal(HostErrorKind.Download, error.Kind);
        Assert.Contains("404", error.Message, StringComparison.Ordinal);
        Assert.Contains("-Version", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TooLarge_IsRefusedByItsLength()
    {
        Task serving = ServeAsync($"HTTP/1.1 200 OK\r\nContent-Length: {ReleaseDownload.MaxArchiveBytes + 1}\r\n\r\n");
        HostException error = await Assert.ThrowsAsync<HostException>(() => new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken));
        await serving;
        Assert.Equal(HostErrorKind.Download, error.Kind);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task NobodyThere_SaysSo()
    {
        Uri address = Address;
        _server.Stop();
        HostException error = await Assert.ThrowsAsync<HostException>(() => new ReleaseDownload(_client).FetchAsync(address, _folder, null, TestContext.Current.CancellationToken));
        Assert.Contains("-ArchivePath", error.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\nETag: \"one\"\r\n\r\nfirst bytes")]
    public async Task AServerThatStalls_EndsTheDownload(string begun)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task serving = StallAsync(begun, trickle: false, stop.Token);
        ReleaseDownload download = new(_client) { StallTimeout = TimeSpan.FromMilliseconds(200) };
        HostException error = await Assert.ThrowsAsync<HostException>(() => download.FetchAsync(Address, _folder, null, stop.Token).WaitAsync(TimeSpan.FromSeconds(20), stop.Token));
        await stop.CancelAsync();
        await serving;
        Assert.Equal(HostErrorKind.Download, error.Kind);
        Assert.Contains("stalled", error.Message, StringComparison.Ordinal);
        Assert.Contains("0.2 seconds", error.Message, StringComparison.Ordinal);
        Assert.Contains("-ArchivePath", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServerThatTricklesOrStallsInATextFile_EndsIt()
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task serving = StallAsync("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", trickle: true, stop.Token);
        ReleaseDownload download = new(_client) { StallTimeout = TimeSpan.FromMilliseconds(300) };
        HostException error = await Assert.ThrowsAsync<HostException>(() => download.FetchTextAsync(Address, stop.Token).WaitAsync(TimeSpan.FromSeconds(20), stop.Token));
        await stop.CancelAsync();
        await serving;
        Assert.Contains("stalled", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASlowServerThatGoesOn_IsWaitedFor()
    {
        string content = new('a', 12 * 1024);
        Task serving = ServeSlowlyAsync($"HTTP/1.1 200 OK\r\nContent-Length: {content.Length}\r\n\r\n{content}", TimeSpan.FromMilliseconds(200));
        ReleaseDownload download = new(_client) { StallTimeout = TimeSpan.FromSeconds(1.5) };
        string path = await download.FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken);
        await serving;
        Assert.Equal(content, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    /// <summary>Answers every request with a beginning, and then with nothing, or a byte at a time.</summary>
    private async Task StallAsync(string begun, bool trickle, CancellationToken cancellationToken)
    {
        List<TcpClient> connections = [];
        try
        {
            while (true)
            {
                TcpClient connection = await _server.AcceptTcpClientAsync(cancellationToken);
                connections.Add(connection);
                await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(begun), cancellationToken);
                while (trickle)
                {
                    await connection.GetStream().WriteAsync("x"u8.ToArray(), cancellationToken);
                    await Task.Delay(20, cancellationToken);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            connections.ForEach(static c => c.Dispose());
        }
    }

    private async Task ServeSlowlyAsync(string answer, TimeSpan pause)
    {
        using TcpClient connection = await _server.AcceptTcpClientAsync();
        NetworkStream stream = connection.GetStream();
        for (int at = 0; at < answer.Length; at += 1200)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer.Substring(at, Math.Min(1200, answer.Length - at))));
            await Task.Delay(pause);
        }
    }

    private async Task ServeAsync(params string[] answers)
    {
        foreach (string answer in answers)
        {
            using TcpClient connection = await _server.AcceptTcpClientAsync();
            NetworkStream stream = connection.GetStream();
            StringBuilder request = new();
            byte[] buffer = new byte[4096];
            while (!request.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
            {
                request.Append(Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer)));
            }

            _requests.Add(request.ToString());
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
            connection.Client.Shutdown(SocketShutdown.Send);
        }
    }
}
