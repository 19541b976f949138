using System.Text;
using OpenCloud.Build.Client.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines;

public sealed class DockerConnectorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upgrades_and_leaves_every_byte_of_http2_to_its_reader()
    {
        string request = "";
        await using RawServer server = new(async (stream, token) =>
        {
            request = await RawServer.ReadHeadAsync(stream, token);
            await stream.WriteAsync("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nfirst bytes"u8.ToArray(), token);
            await stream.ReadExactlyAsync(new byte[1], token);
        });
        await using Stream stream = await ConnectAsync(server);
        byte[] bytes = new byte["first bytes".Length];
        await stream.ReadExactlyAsync(bytes, Token);
        Assert.Equal("first bytes", Encoding.ASCII.GetString(bytes));
        await stream.WriteAsync(new byte[1], Token);
        string[] lines = request.Split("\r\n");
        Assert.Equal("POST /grpc HTTP/1.1", lines[0]);
        Assert.Contains("Connection: Upgrade", lines);
        Assert.Contains("Upgrade: h2c", lines);
    }

    [Theory]
    [InlineData("HTTP/1.1 404 Not Found\r\nServer: Docker/18.03 (linux)\r\nContent-Length: 28\r\n\r\n{\"message\":\"page not found\"}", EngineConnectReason.Rejected, "too old")]
    [InlineData("HTTP/1.1 403 Forbidden\r\nServer: Docker/26.1 (linux)\r\n\r\n{\"message\":\"denied by plugin\"}", EngineConnectReason.Rejected, "denied by plugin")]
    [InlineData("HTTP/1.1 404 Not Found\r\nServer: Libpod/5.0 (linux)\r\n\r\n", EngineConnectReason.NotAnEngine, "Podman")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", EngineConnectReason.NotAnEngine, "This is not a Docker Engine")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", EngineConnectReason.NotAnEngine, "websocket")]
    [InlineData("HTTP/1.1 banana\r\n\r\n", EngineConnectReason.NotAnEngine, "banana")]
    [InlineData("SSH-2.0-OpenSSH\r\n", EngineConnectReason.NotAnEngine, "not HTTP/1")]
    [InlineData("HTTP/1.1 101 Swi", EngineConnectReason.NotAnEngine, "ends within the header")]
    [InlineData("", EngineConnectReason.NotAnEngine, "without an answer")]
    public async Task Tells_what_else_it_met(string answer, EngineConnectReason reason, string said)
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await RawServer.ReadHeadAsync(stream, token);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), token);
        });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectAsync(server));
        Assert.Equal(reason, e.Reason);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bounds_the_head_of_the_answer()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await RawServer.ReadHeadAsync(stream, token);
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 101 x\r\n" + string.Concat(Enumerable.Repeat("a: b\r\n", 10_000))), token);
        });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectAsync(server));
        Assert.Contains("longer than 16384 bytes", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, "docker:///var/run/docker.sock")]
    [InlineData("", null, "docker:///var/run/docker.sock")]
    [InlineData("unix:///run/user/1000/docker.sock", null, "docker:///run/user/1000/docker.sock")]
    [InlineData("tcp://127.0.0.1:2376", null, "docker://127.0.0.1:2376")]
    [InlineData("tcp://127.0.0.1", "", "docker://127.0.0.1:2375")]
    [InlineData("tcp://[::1]", null, "docker://[::1]:2375")]
    public void Follows_docker_host(string? host, string? tls, string expected) =>
        Assert.Equal(expected, EngineConnectors.Create(EngineAddress.Parse("docker://"), Options(host, tls)).Address.ToString());

    [Theory]
    [InlineData("npipe:////./pipe/docker", null, "'npipe' is not supported")]
    [InlineData("ssh://me;id@host", null, "The user of a docker+ssh:// address")]
    [InlineData("unix://relative", null, "absolute path")]
    [InlineData("tcp:///var/run/docker.sock", null, "no valid host")]
    [InlineData("gibberish", null, "not supported")]
    public void Refuses_a_docker_host_that_it_cannot_follow(string host, string? tls, string said)
    {
        EngineConnectException e = Assert.Throws<EngineConnectException>(() => EngineConnectors.Create(EngineAddress.Parse("docker://"), Options(host, tls)));
        Assert.Equal(EngineConnectReason.BadSetting, e.Reason);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    private static EngineConnectOptions Options(string? host, string? tls) =>
        new() { GetEnvironmentVariable = name => name == "DOCKER_HOST" ? host : name == "DOCKER_TLS_VERIFY" ? tls : null };

    private static ValueTask<Stream> ConnectAsync(RawServer server) =>
        EngineConnectors.Create(EngineAddress.Parse("docker://" + server.Path), new EngineConnectOptions()).ConnectAsync(Token);
}
