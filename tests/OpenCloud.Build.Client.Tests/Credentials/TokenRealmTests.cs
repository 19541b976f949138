using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Protocol.Auth;
using OpenCloud.Build.Client.Tests.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Credentials;

/// <summary>An engine names the place for a registry's tokens: the credentials go there only if the registry itself names it.</summary>
public sealed class TokenRealmTests
{
    private const string Secret = "top-secret-of-the-user";

    [Fact]
    public async Task The_realm_that_the_registry_names_gets_the_credentials()
    {
        await using Place tokens = new(static _ => ("200 OK", "", """{"token":"t"}"""));
        await using Place registry = new(_ => ("401 Unauthorized", $"WWW-Authenticate: Bearer realm=\"{tokens.Address}/token\",service=\"s\"\r\n", ""));
        Assert.Equal("t", (await FetchAsync(registry, tokens)).Token);
        Assert.Contains(tokens.Requests, static r => r.Contains(Secret, StringComparison.Ordinal));
        Assert.All(registry.Requests, static r => Assert.DoesNotContain("Authorization", r, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Another_realm_gets_nothing()
    {
        await using Place tokens = new(static _ => ("200 OK", "", """{"token":"t"}"""));
        await using Place other = new(static _ => ("200 OK", "", """{"token":"t"}"""));
        await using Place registry = new(_ => ("401 Unauthorized", $"WWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Bearer service=\"s\",realm=\"{tokens.Address}/token\"\r\n", ""));
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => FetchAsync(registry, other));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Contains(tokens.Address, refused.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(other.Requests);
        Assert.Empty(tokens.Requests);
    }

    [Fact]
    public async Task A_registry_whose_first_address_is_open_is_asked_for_the_repository()
    {
        await using Place tokens = new(static _ => ("200 OK", "", """{"token":"t"}"""));
        await using Place other = new(static _ => ("200 OK", "", """{"token":"t"}"""));
        await using Place registry = new(request => request.StartsWith("GET /v2/ ", StringComparison.Ordinal)
            ? ("200 OK", "", "{}")
            : ("401 Unauthorized", $"WWW-Authenticate: Bearer realm=\"{tokens.Address}/token\"\r\n", ""));
        Assert.Equal("t", (await FetchAsync(registry, tokens)).Token);
        Assert.Contains(registry.Requests, static r => r.StartsWith("GET /v2/a/b/tags/list?n=1 ", StringComparison.Ordinal));
        await Assert.ThrowsAsync<RpcException>(() => FetchAsync(registry, other));
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task Of_a_registry_that_cannot_be_asked_only_its_own_host_gets_them()
    {
        // The engine may reach a registry that this machine does not, as on its own loopback.
        await using Place tokens = new(static _ => ("200 OK", "", """{"token":"t"}"""));
        string absent = $"127.0.0.1:{FreePort()}";
        Assert.Equal("t", (await FetchAsync(absent, tokens)).Token);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => FetchAsync($"localhost:{FreePort()}", tokens));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Contains("does not confirm", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Single(tokens.Requests);
    }

    [Fact]
    public async Task A_redirect_names_nothing()
    {
        await using Place tokens = new(static _ => ("200 OK", "", """{"token":"t"}"""));
        await using Place helper = new(_ => ("401 Unauthorized", $"WWW-Authenticate: Bearer realm=\"{tokens.Address}/token\"\r\n", ""));
        await using Place registry = new(_ => ("302 Found", $"Location: {helper.Address}/v2/\r\n", ""));
        await Assert.ThrowsAsync<RpcException>(() => FetchAsync(registry.Host.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), tokens));
        Assert.Empty(helper.Requests);
        Assert.Empty(tokens.Requests);
    }

    [Theory]
    [InlineData("realm=\"https://a/t\"", "https://a/t")]
    [InlineData("service=s,realm=https://a/t", "https://a/t")]
    [InlineData("scope=\"a,realm=x\", Realm=\"https://a/\\\"t\"", "https://a/\"t")]
    [InlineData("realm", "")]
    [InlineData("realm=", "")]
    [InlineData("realm=\"", "")]
    [InlineData("realm=\"a\\", "a\\")]
    [InlineData("", "")]
    public void Realms_are_read_out_of_parameters(string parameters, string realm) => Assert.Equal(realm, RegistryRealms.RealmOf(parameters));

    [Fact]
    public void Challenges_of_other_schemes_name_no_realm() =>
        Assert.Empty(RegistryRealms.In([new AuthenticationHeaderValue("Basic", "realm=\"https://a/t\""), new AuthenticationHeaderValue("Bearer"), new AuthenticationHeaderValue("Bearer", "realm=\"t\"")]));

    private static Task<FetchTokenResponse> FetchAsync(Place registry, Place realm) => FetchAsync(registry.Host, realm);

    private static Task<FetchTokenResponse> FetchAsync(string registry, Place realm) => TokenFetcher.FetchAsync(
        new FetchTokenRequest { Host = registry, Realm = realm.Address + "/token", Service = "s", Scopes = { "repository:a/b:pull", "repository:../x:pull" } },
        new StoredCredential("user", Secret, "", ""),
        TestContext.Current.CancellationToken);

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A server on loopback that keeps what it was asked.</summary>
    private sealed class Place : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Func<string, (string Status, string Headers, string Body)> _answer;
        private readonly Task _serving;

        public Place(Func<string, (string Status, string Headers, string Body)> answer)
        {
            _answer = answer;
            _listener.Start();
            Host = $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
            _serving = ServeAsync();
        }

        public string Host { get; }

        public string Address => "http://" + Host;

        public ConcurrentQueue<string> Requests { get; } = new();

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                NetworkStream stream = client.GetStream();
                string head = await RawServer.ReadHeadAsync(stream, CancellationToken.None);
                string length = head.Split("\r\n").FirstOrDefault(static l => l.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))?[16..] ?? "0";
                byte[] body = new byte[int.Parse(length, CultureInfo.InvariantCulture)];
                await stream.ReadExactlyAsync(body);
                string request = head + Encoding.UTF8.GetString(body);
                Requests.Enqueue(request);
                (string status, string headers, string answer) = _answer(request);
                await stream.WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\n{headers}Content-Length: {answer.Length}\r\nConnection: close\r\n\r\n{answer}"));
            }
        }
    }
}
