using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Tls;

/// <summary>Connections whose server is good, or wrong in one way.</summary>
public sealed class TlsConnectionTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly TlsFolder _folder = new();
    private readonly TestAuthority _authority = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, false)]
    [InlineData(SslProtocols.Tls13, true)]
    public async Task Data_passes_both_ways(SslProtocols version, bool blocks)
    {
        using X509Certificate2 certificate = _authority.Issue(["127.0.0.1"]);
        byte[] sent = RandomNumberGenerator.GetBytes(300_000);
        await using TcpServer server = TcpServer.WithTls(certificate, version, async (tls, token) => await tls.CopyToAsync(tls, token));
        await using Stream stream = await ConnectAsync(server.Address, Options());
        if (blocks)
        {
            ((TlsStream)stream).Block(WorkQueue.Pool);
        }

        Task writing = Task.Run(async () => await stream.WriteAsync(sent, Token), Token);
        byte[] received = new byte[sent.Length];
        await Task.Run(async () => await stream.ReadExactlyAsync(received, Token), Token).WaitAsync(Limit, Token);
        await writing.WaitAsync(Limit, Token);
        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task A_blocked_read_can_be_interrupted_and_cancelled_and_ends_when_disposed()
    {
        using X509Certificate2 certificate = _authority.Issue(["127.0.0.1"]);
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        for (int way = 0; way < 3; way++)
        {
            TlsStream stream = (TlsStream)await ConnectAsync(server.Address, Options());
            stream.Block(WorkQueue.Pool);
            using CancellationTokenSource cancel = new();
            Task<int> read = Task.Run(async () => await stream.ReadAsync(new byte[10], cancel.Token), Token);
            switch (way)
            {
                case 0:
                    Assert.True(stream.TryInterruptRead());
                    Assert.Equal(0, await read.WaitAsync(Limit, Token));
                    break;
                case 1:
                    await cancel.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(Limit, Token));
                    break;
                default:
                    stream.Dispose();
                    await Assert.ThrowsAnyAsync<Exception>(async () => Assert.NotEqual(0, await read.WaitAsync(Limit, Token)));
                    break;
            }

            await stream.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("localhost", "127.0.0.1", -1, 100, TestAuthority.ServerPurpose, "127.0.0.1", null, "")]
    [InlineData("localhost", "builder", -1, 100, TestAuthority.ServerPurpose, "127.0.0.1,builder", null, "")]
    [InlineData("builder", "127.0.0.1", -1, 100, TestAuthority.ServerPurpose, "builder", TlsProblem.WrongName, "is not valid for '127.0.0.1': it is for builder.")]
    [InlineData("builder", null, -1, 100, TestAuthority.ServerPurpose, "other.example,10.0.0.1", TlsProblem.WrongName, "it is for other.example, 10.0.0.1.")]
    [InlineData("builder", "builder", -1, 100, TestAuthority.ServerPurpose, "", TlsProblem.WrongName, "contains no subject alternative name")]
    [InlineData("builder", "builder", -100, -10, TestAuthority.ServerPurpose, "builder", TlsProblem.Expired, "expired on ")]
    [InlineData("builder", "builder", 10, 100, TestAuthority.ServerPurpose, "builder", TlsProblem.Expired, "is not valid before ")]
    [InlineData("builder", "builder", -1, 100, TestAuthority.ClientPurpose, "builder", TlsProblem.InvalidCertificate, "is not valid: ")]
    public async Task A_certificate_is_judged(string host, string? serverName, int from, int to, string purpose, string names, TlsProblem? problem, string said)
    {
        using X509Certificate2 certificate = _authority.Issue(names.Split(',', StringSplitOptions.RemoveEmptyEntries), from, to, purpose);
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        EngineConnectOptions options = Options() with { Tls = new EngineTlsOptions { CaCertificate = CaFile(), ServerName = serverName ?? host } };
        await ExpectAsync(server.Address, options, problem, said);
    }

    [Fact]
    public async Task The_authority_must_be_the_given_one()
    {
        using TestAuthority other = new("Other authority");
        using X509Certificate2 certificate = other.Issue(["127.0.0.1"]);
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        await ExpectAsync(server.Address, Options(), TlsProblem.Untrusted, "was issued by 'CN=Other authority', which is not one of the authorities in ");
        await ExpectAsync(
            server.Address, new EngineConnectOptions { Tls = new EngineTlsOptions { ServerName = "127.0.0.1" } }, TlsProblem.Untrusted, "not one of the authorities that this system trusts");
    }

    [Fact]
    public async Task An_untrusted_engine_that_is_set_is_not_replaced_by_another()
    {
        using TestAuthority other = new("Other authority");
        using X509Certificate2 certificate = other.Issue(["127.0.0.1"]);
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        await using TcpServer second = new(static (_, token) => Task.Delay(Timeout.Infinite, token));
        EngineCandidate[] candidates = [new("$BUILDKIT_HOST", server.Address, true), new("another", second.Address, false)];
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await EngineDiscovery.OpenAsync(candidates, Options(), Token));
        Assert.Equal((EngineConnectReason.Tls, TlsProblem.Untrusted), (e.Reason, e.Tls));
    }

    [Fact]
    public async Task The_problem_of_TLS_is_kept_when_no_candidate_accepts()
    {
        using X509Certificate2 certificate = _authority.Issue(["127.0.0.1"], -100, -10);
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        EngineCandidate[] candidates = [new("first", server.Address, false), new("second", EngineAddress.Parse("/nowhere/b.sock"), false)];
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await EngineDiscovery.OpenAsync(candidates, Options(), Token));
        Assert.Equal((EngineConnectReason.Tls, TlsProblem.Expired), (e.Reason, e.Tls));
    }

    [Fact]
    public async Task A_self_signed_certificate_is_accepted_only_when_it_is_given()
    {
        string pem = TestAuthority.SelfSigned("127.0.0.1", out ECDsa key);
        using X509Certificate2 plain = X509Certificate2.CreateFromPem(pem);
        using X509Certificate2 certificate = plain.CopyWithPrivateKey(key);
        key.Dispose();
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        await ExpectAsync(server.Address, Options(), TlsProblem.Untrusted, "'CN=self' is self-signed");
        await ExpectAsync(server.Address, new EngineConnectOptions { Tls = new EngineTlsOptions { CaCertificate = _folder.Write("self.pem", pem) } }, null, "");
    }

    [Fact]
    public async Task An_intermediate_authority_or_the_servers_own_certificate_is_enough()
    {
        using TestAuthority intermediate = new("Intermediate", _authority);
        using TestAuthority impostor = new("Intermediate", _authority);
        using X509Certificate2 certificate = intermediate.Issue(["127.0.0.1"]);
        using X509Certificate2 old = intermediate.Issue(["127.0.0.1"], -100, -10);
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        await using TcpServer expired = TcpServer.WithTls(old, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        EngineConnectOptions With(string pem) => new() { Tls = new EngineTlsOptions { CaCertificate = _folder.Write("given.pem", pem), ServerName = "127.0.0.1" } };
        await ExpectAsync(server.Address, With(intermediate.Pem), null, "");
        await ExpectAsync(server.Address, With(intermediate.Pem + "\n" + _authority.Pem), null, "");
        await ExpectAsync(server.Address, With(certificate.ExportCertificatePem()), null, "");
        await ExpectAsync(expired.Address, With(intermediate.Pem), TlsProblem.Expired, "The server's certificate expired on ");
        await ExpectAsync(server.Address, With(impostor.Pem), TlsProblem.Untrusted, "was issued by 'CN=Intermediate', which is not the authority of this name in");
        await ExpectAsync(server.Address, With(_authority.Pem), TlsProblem.Untrusted, "was issued by 'CN=Intermediate', which is not one of");
    }

    [Fact]
    public async Task A_certificate_that_ends_soon_is_a_warning_once()
    {
        using X509Certificate2 certificate = _authority.Issue(["127.0.0.1"], toDays: 10);
        await using TcpServer server = TcpServer.WithTls(certificate, SslProtocols.None, static (_, token) => Task.Delay(Timeout.Infinite, token));
        List<string> warnings = [];
        IEngineConnector connector = EngineConnectors.Create(server.Address, Options() with { OnWarning = warnings.Add });
        await (await connector.ConnectAsync(Token)).DisposeAsync();
        await (await connector.ConnectAsync(Token)).DisposeAsync();
        Assert.Contains(", in 10 days: renew it.", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "it answers in plain HTTP/1")]
    [InlineData("\0\0\u0006\u0004\0\0\0\0\0", "an engine without TLS")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "it is an SSH server")]
    [InlineData("", "closed the connection at the start")]
    public async Task A_server_that_speaks_no_tls_is_named(string greeting, string said)
    {
        await using TcpServer server = new(async (socket, token) =>
        {
            await socket.ReadExactlyAsync(new byte[5], token);
            await socket.WriteAsync(System.Text.Encoding.Latin1.GetBytes(greeting), token);
        });
        await ExpectAsync(server.Address, Options(), TlsProblem.NotSpoken, said);
    }

    [Fact]
    public async Task A_silent_listener_is_a_timeout_that_says_so()
    {
        await using TcpServer server = new(static (_, token) => Task.Delay(Timeout.Infinite, token));
        EngineConnectOptions options = Options() with { ConnectTimeout = TimeSpan.FromSeconds(1) };
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(server.Address, options, Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        Assert.Equal($"{server.Address} accepted the connection, but did not complete the TLS handshake within 1 s.", e.Message);
        e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(server.Address, options with { Tls = null }, Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        Assert.StartsWith($"{server.Address} accepted the connection, but sent nothing within 1 s", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_web_server_is_named_with_and_without_tls()
    {
        using X509Certificate2 certificate = _authority.Issue(["127.0.0.1"]);
        byte[] answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray();
        await using TcpServer plain = new(async (socket, token) => await AnswerAsync(socket, answer, token));
        await using TcpServer encrypted = TcpServer.WithTls(certificate, SslProtocols.None, async (tls, token) => await AnswerAsync(tls, answer, token));
        foreach ((EngineAddress address, EngineConnectOptions options) in ((EngineAddress, EngineConnectOptions)[])[(plain.Address, new EngineConnectOptions()), (encrypted.Address, Options())])
        {
            EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(address, options, Token));
            Assert.Equal(EngineConnectReason.NotAnEngine, e.Reason);
            Assert.Contains("it speaks HTTP/1", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u0015\u0003\u0001\0\u0002\u0002\u0016")]
    public async Task A_server_that_wants_tls_is_named(string answer)
    {
        await using TcpServer server = new(async (socket, token) =>
        {
            await socket.ReadExactlyAsync(new byte[24], token);
            await socket.WriteAsync(System.Text.Encoding.Latin1.GetBytes(answer), token);
        });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => BuildKitClient.ConnectAsync(server.Address, new EngineConnectOptions(), Token));
        Assert.Equal(EngineConnectReason.NotAnEngine, e.Reason);
        Assert.Contains("If it is an engine with TLS", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_tcp_can_have_tls()
    {
        foreach (string address in (string[])["unix:///run/x.sock", "vsock://3:8088", "docker:///run/docker.sock"])
        {
            await ExpectAsync(EngineAddress.Parse(address), Options(), TlsProblem.NotApplicable, "TLS is possible only for tcp://");
        }
    }

    private static async Task AnswerAsync(Stream stream, byte[] answer, CancellationToken token)
    {
        await stream.ReadExactlyAsync(new byte[10], token);
        await stream.WriteAsync(answer, token);
        await stream.CopyToAsync(Stream.Null, token);
    }

    private static async Task<Stream> ConnectAsync(EngineAddress address, EngineConnectOptions options) =>
        await ConnectRetry.ConnectAsync(EngineConnectors.Create(address, options), options, Token);

    private static async Task ExpectAsync(EngineAddress address, EngineConnectOptions options, TlsProblem? problem, string said)
    {
        if (problem is null)
        {
            await (await ConnectAsync(address, options)).DisposeAsync();
            return;
        }

        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => ConnectAsync(address, options));
        Assert.Equal((EngineConnectReason.Tls, problem), (e.Reason, e.Tls));
        Assert.StartsWith($"Cannot connect to {address} with TLS: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    private string CaFile() => _folder.Write("ca.pem", _authority.Pem);

    private EngineConnectOptions Options() => new() { ConnectTimeout = Limit, Tls = new EngineTlsOptions { CaCertificate = CaFile() } };
}
