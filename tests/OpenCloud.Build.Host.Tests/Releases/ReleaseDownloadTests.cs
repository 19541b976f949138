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
        var content = new string('a', 5000) + new string('b', 5000);
        var serving = ServeAsync(
            $"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\nETag: \"one\"\r\n\r\n{content[..6000]}",
            $"HTTP/1.1 206 Partial Content\r\nContent-Length: 4000\r\nContent-Range: bytes 6000-9999/10000\r\nETag: \"one\"\r\n\r\n{content[6000..]}");
        var seen = new List<(long, long?)>();
        var path = await new ReleaseDownload(_client).FetchAsync(Address, _folder, (have, all) => seen.Add((have, all)), TestContext.Current.CancellationToken);
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
        var serving = ServeAsync(string.Empty, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
        var path = await new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken);
        await serving;
        Assert.Equal("yes", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task BeginsAnewWhenTheFileIsAnother()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "a.tar.gz.part"), "old half", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "a.tar.gz.etag"), "\"old\"", TestContext.Current.CancellationToken);
        var serving = ServeAsync("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: \"new\"\r\n\r\nnew");
        var path = await new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken);
        await serving;
        Assert.Contains("If-Range: \"old\"", _requests[0], StringComparison.Ordinal);
        Assert.Equal("new", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task NotFound_SaysSo()
    {
        var serving = ServeAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        var error = await Assert.ThrowsAsync<HostException>(() => new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken));
        await serving;
        Assert.Equal(HostErrorKind.Download, error.Kind);
        Assert.Contains("404", error.Message, StringComparison.Ordinal);
        Assert.Contains("-Version", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TooLarge_IsRefusedByItsLength()
    {
        var serving = ServeAsync($"HTTP/1.1 200 OK\r\nContent-Length: {ReleaseDownload.MaxArchiveBytes + 1}\r\n\r\n");
        var error = await Assert.ThrowsAsync<HostException>(() => new ReleaseDownload(_client).FetchAsync(Address, _folder, null, TestContext.Current.CancellationToken));
        await serving;
        Assert.Equal(HostErrorKind.Download, error.Kind);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task NobodyThere_SaysSo()
    {
        var address = Address;
        _server.Stop();
        var error = await Assert.ThrowsAsync<HostException>(() => new ReleaseDownload(_client).FetchAsync(address, _folder, null, TestContext.Current.CancellationToken));
        Assert.Contains("-ArchivePath", error.Remedy, StringComparison.Ordinal);
    }

    private async Task ServeAsync(params string[] answers)
    {
        foreach (var answer in answers)
        {
            using var connection = await _server.AcceptTcpClientAsync();
            var stream = connection.GetStream();
            var request = new StringBuilder();
            var buffer = new byte[4096];
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
