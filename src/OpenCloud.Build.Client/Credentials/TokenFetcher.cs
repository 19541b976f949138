using System.Net.Http.Headers;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Auth;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>Fetches a registry's bearer token for the daemon, so that the daemon never sees the password.</summary>
/// <remarks>
/// distribution, docs/spec/auth/token.md and oauth.md. The daemon names the realm, and so could have a password sent anywhere. So the password goes
/// only to a realm that the registry itself names, over https (or to this machine for a registry on this machine), and follows no redirect. A registry
/// that cannot be reached from here, or that names no realm, may only use its own host.
/// </remarks>
internal static class TokenFetcher
{
    /// <summary>The prefix of the message when no token was received.</summary>
    internal const string NoToken = "no token for the registry";

    /// <summary>The prefix of the message when the service refused or failed.</summary>
    internal const string FailedService = "the token service of the registry";

    private const int MaxAnswer = 1024 * 1024;
    private const int DefaultSeconds = 60;

    private static readonly HttpClient Client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = RegistryAuthorities.IsTrusted },
    })
    {
        Timeout = TimeSpan.FromSeconds(30),
        MaxResponseContentBufferSize = MaxAnswer,
    };

    /// <exception cref="RpcException">The password must not be sent to the realm, or the realm refused.</exception>
    public static async Task<FetchTokenResponse> FetchAsync(FetchTokenRequest request, StoredCredential credential, CancellationToken cancellationToken)
    {
        Uri realm = CheckRealm(request);
        await RequireNamedAsync(request, realm, cancellationToken).ConfigureAwait(false);
        return await FetchAsync(Client, realm, request, credential, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Fetches a token from a realm that the registry itself named and that <see cref="IsAllowed"/>; without a secret, an anonymous one.</summary>
    /// <exception cref="RpcException">The realm refused.</exception>
    internal static async Task<FetchTokenResponse> FetchAsync(HttpClient client, Uri realm, FetchTokenRequest request, StoredCredential credential, CancellationToken cancellationToken)
    {
        try
        {
            if (credential.Secret.Length > 0)
            {
                using HttpResponseMessage answer = await PostAsync(client, realm, request, credential, cancellationToken).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode)
                {
                    return await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
                }

                // Servers without OAuth support answer with one of these codes. An identity token requires OAuth.
                if ((int)answer.StatusCode is not (400 or 401 or 404 or 405) || credential.IdentityToken.Length > 0)
                {
                    throw Refused(request, (int)answer.StatusCode);
                }
            }

            using HttpResponseMessage plain = await GetAsync(client, realm, request, credential, cancellationToken).ConfigureAwait(false);
            return plain.IsSuccessStatusCode
                ? await ReadAsync(plain, cancellationToken).ConfigureAwait(false)
                : throw Refused(request, (int)plain.StatusCode);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or (OperationCanceledException and not null) && !cancellationToken.IsCancellationRequested)
        {
            throw CallErrors.Create(StatusCode.Unknown, $"{NoToken} {request.Host} was received from {realm.Host}: {Describe(e, realm)}", e);
        }
    }

    private static string Describe(Exception error, Uri realm) => error switch
    {
        JsonException => "its answer is not JSON",
        HttpRequestException failed => RegistryAuthorities.Explain(failed, realm.Authority),
        _ => error.Message,
    };

    public static bool IsAllowed(Uri realm, string registryHost)
        => realm.UserInfo.Length == 0
            && (realm.Scheme == Uri.UriSchemeHttps
                || (realm.Scheme == Uri.UriSchemeHttp && RegistryHosts.IsLoopback(registryHost) && RegistryHosts.IsLoopback(realm.Authority)));

    private static Uri CheckRealm(FetchTokenRequest request)
        => Uri.TryCreate(request.Realm, UriKind.Absolute, out Uri? realm) && IsAllowed(realm, request.Host)
            ? realm
            : throw CallErrors.Create(StatusCode.PermissionDenied, $"the registry {request.Host} has a token service that does not use https; the credentials are not sent there");

    private static async Task RequireNamedAsync(FetchTokenRequest request, Uri realm, CancellationToken cancellationToken)
    {
        (IReadOnlyList<Uri> named, string? problem) = await RegistryRealms.AskAsync(Client, request.Host, request.Scopes, cancellationToken).ConfigureAwait(false);
        if (named.Contains(realm))
        {
            return;
        }

        if (named.Count > 0)
        {
            throw CallErrors.Create(
                StatusCode.PermissionDenied,
                $"the registry {request.Host} has its token service at {named[0].GetLeftPart(UriPartial.Path)}, but the engine asks for {realm.GetLeftPart(UriPartial.Path)}; the credentials are not sent there");
        }

        if (!IsOnHost(realm, request.Host))
        {
            throw CallErrors.Create(
                StatusCode.PermissionDenied,
                $"the engine asks for a token of the registry {request.Host} from {realm.GetLeftPart(UriPartial.Path)}, which the registry does not confirm ({problem ?? "it does not name a token service"}); the credentials are not sent there");
        }
    }

    private static bool IsOnHost(Uri realm, string registryHost) =>
        Uri.TryCreate("https://" + registryHost, UriKind.Absolute, out Uri? registry) && registry.IdnHost.Equals(realm.IdnHost, StringComparison.OrdinalIgnoreCase);

    // Not Unavailable: the daemon returns the code as the build's, where it means that the engine is gone.
    private static RpcException Refused(FetchTokenRequest request, int code)
        => code >= 500
            ? CallErrors.Create(StatusCode.Unknown, $"{FailedService} {request.Host} failed with {code}; try again later")
            : CallErrors.Create(StatusCode.Unauthenticated, $"{FailedService} {request.Host} rejected the request with {code}; check the credentials");

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, Uri realm, FetchTokenRequest request, StoredCredential credential, CancellationToken cancellationToken)
    {
        Dictionary<string, string> form = new()
        {
            ["client_id"] = request.ClientId.Length > 0 ? request.ClientId : "opencloud.build",
            ["service"] = request.Service,
            ["scope"] = string.Join(' ', request.Scopes),
        };
        if (credential.EffectiveUserName.Length == 0)
        {
            form["grant_type"] = "refresh_token";
            form["refresh_token"] = credential.Secret;
        }
        else
        {
            form["grant_type"] = "password";
            form["username"] = credential.EffectiveUserName;
            form["password"] = credential.Secret;
        }

        using HttpRequestMessage message = new(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(form) };
        return await client.SendAsync(message, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<HttpResponseMessage> GetAsync(HttpClient client, Uri realm, FetchTokenRequest request, StoredCredential credential, CancellationToken cancellationToken)
    {
        StringBuilder query = new(realm.Query.TrimStart('?'));
        Append("service", request.Service);
        foreach (string scope in request.Scopes)
        {
            Append("scope", scope);
        }

        using HttpRequestMessage message = new(HttpMethod.Get, new UriBuilder(realm) { Query = query.ToString() }.Uri);
        if (credential.Secret.Length > 0)
        {
            string both = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.EffectiveUserName}:{credential.Secret}"));
            message.Headers.Authorization = new AuthenticationHeaderValue("Basic", both);
        }

        return await client.SendAsync(message, cancellationToken).ConfigureAwait(false);

        void Append(string name, string value)
        {
            if (value.Length > 0)
            {
                query.Append(query.Length > 0 ? "&" : string.Empty).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            }
        }
    }

    private static async Task<FetchTokenResponse> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken) =>
        Read(await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));

    /// <exception cref="JsonException">The answer has no token.</exception>
    internal static FetchTokenResponse Read(ReadOnlyMemory<byte> answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        JsonElement root = document.RootElement;
        string token = Text("access_token") is { Length: > 0 } access ? access : Text("token");
        if (token.Length == 0)
        {
            throw new JsonException();
        }

        return new FetchTokenResponse
        {
            Token = token,
            ExpiresIn = root.TryGetProperty("expires_in", out JsonElement seconds) && seconds.ValueKind == JsonValueKind.Number && seconds.TryGetInt64(out long value) && value > 0 ? value : DefaultSeconds,
            IssuedAt = DateTimeOffset.TryParse(
                Text("issued_at"), System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out DateTimeOffset issued)
                ? issued.ToUnixTimeSeconds()
                : 0,
        };

        string Text(string name)
        {
            try
            {
                return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : string.Empty;
            }
            catch (InvalidOperationException e)
            {
                // Invalid UTF-8: the parser detects it only when it creates a string.
                throw new JsonException(null, e);
            }
        }
    }
}
