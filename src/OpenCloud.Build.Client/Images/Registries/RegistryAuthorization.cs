using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using Grpc.Core;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Auth;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>
/// The authentication challenge of an endpoint, and the tokens obtained for it. A password is sent only over HTTPS, to loopback, or to an endpoint
/// configured as insecure; a token service gets it only by the rules of <see cref="TokenFetcher"/>.
/// </summary>
/// <remarks>distribution, docs/spec/auth/token.md and oauth.md; RFC 9110, 11.6.1 (WWW-Authenticate).</remarks>
internal sealed class RegistryAuthorization(RegistryEndpoint endpoint, RegistryOptions options)
{
    private const int MaxTokens = 1000;

    private readonly ConcurrentDictionary<string, (string Token, DateTimeOffset Until)> _tokens = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _once = new(1);
    private StoredCredential? _credential;
    private Challenge? _challenge;

    /// <summary>Whether the endpoint asked for credentials, and the options have some for it.</summary>
    public bool HasGiven { get; private set; }

    private string LoginHost => endpoint.Registry ?? endpoint.Host;

    /// <summary>Stores the challenge of a 401 response.</summary>
    public void Read(HttpResponseMessage answer)
    {
        AuthenticationHeaderValue? bearer = Of(answer, "Bearer");
        string parameters = bearer?.Parameter ?? string.Empty;
        _challenge = bearer is not null ? new Challenge(true, RegistryRealms.RealmOf(parameters), RegistryRealms.ParameterOf(parameters, "service"))
            : Of(answer, "Basic") is not null ? new Challenge(false, string.Empty, string.Empty)
            : throw new RegistryException(RegistryFailure.Unauthorized, endpoint.Host, $"The registry {endpoint.Host} requires an authentication scheme that this client does not support.");
    }

    /// <summary>The Authorization header for a request; null when the endpoint has sent no challenge.</summary>
    /// <exception cref="RegistryException">No credentials are available, or the token service refused.</exception>
    public async Task<AuthenticationHeaderValue?> HeaderAsync(Uri address, IReadOnlyList<string> scopes, HttpClient tokens, CancellationToken cancellationToken)
    {
        if (_challenge is not { } challenge)
        {
            return null;
        }

        await _once.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            StoredCredential credential = _credential ??= await FindAsync(cancellationToken).ConfigureAwait(false);
            if (!challenge.IsBearer)
            {
                return Basic(address, credential);
            }

            string key = string.Join(' ', scopes);
            if (!_tokens.TryGetValue(key, out (string Token, DateTimeOffset Until) known) || known.Until <= DateTimeOffset.UtcNow)
            {
                known = await FetchAsync(address, challenge, scopes, credential, tokens, cancellationToken).ConfigureAwait(false);
                if (_tokens.Count >= MaxTokens)
                {
                    _tokens.Clear();
                }

                _tokens[key] = known;
            }

            return new AuthenticationHeaderValue("Bearer", known.Token);
        }
        finally
        {
            _once.Release();
        }
    }

    public void Forget(IReadOnlyList<string> scopes) => _tokens.TryRemove(string.Join(' ', scopes), out _);

    private static AuthenticationHeaderValue? Of(HttpResponseMessage answer, string scheme) =>
        answer.Headers.WwwAuthenticate.FirstOrDefault(c => c.Scheme.Equals(scheme, StringComparison.OrdinalIgnoreCase));

    private async Task<StoredCredential> FindAsync(CancellationToken cancellationToken)
    {
        string host = LoginHost;
        string key = RegistryHosts.KeyOf(host);
        RegistryCredential? given = options.Credentials.FirstOrDefault(c => RegistryHosts.Comparer.Equals(c.Key, key)).Value;
        if (given is not null)
        {
            HasGiven = true;
            return StoredCredential.Of(given);
        }

        try
        {
            return await DockerConfigFile.Read(options.DockerConfigDirectory).FindAsync(key, cancellationToken).ConfigureAwait(false) ?? StoredCredential.None;
        }
        catch (RegistryCredentialException e)
        {
            throw new RegistryException(RegistryFailure.Unauthorized, host, e.Message, e);
        }
    }

    private AuthenticationHeaderValue Basic(Uri address, StoredCredential credential)
    {
        if (credential.EffectiveUserName.Length == 0)
        {
            throw new RegistryException(RegistryFailure.Unauthorized, LoginHost, $"The registry {LoginHost} requires a user name and a password, and no credentials for it are available.");
        }

        RequirePrivacy(address);
        return new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.EffectiveUserName}:{credential.Secret}")));
    }

    private void RequirePrivacy(Uri address)
    {
        if (address.Scheme != Uri.UriSchemeHttps && !endpoint.IsInsecure && !RegistryHosts.IsLoopback(address.Authority))
        {
            throw new RegistryException(RegistryFailure.Denied, endpoint.Host, $"The registry {endpoint.Host} is reached over plain HTTP. The credentials were not sent.");
        }
    }

    private async Task<(string Token, DateTimeOffset Until)> FetchAsync(
        Uri address, Challenge challenge, IReadOnlyList<string> scopes, StoredCredential credential, HttpClient tokens, CancellationToken cancellationToken)
    {
        if (credential.RegistryToken.Length > 0)
        {
            RequirePrivacy(address);
            return (credential.RegistryToken, DateTimeOffset.MaxValue);
        }

        if (!Uri.TryCreate(challenge.Realm, UriKind.Absolute, out Uri? realm) || !IsAllowed(realm, address))
        {
            throw new RegistryException(RegistryFailure.Denied, endpoint.Host, $"The registry {endpoint.Host} names a token service that is not https. The credentials were not sent.");
        }

        FetchTokenRequest request = new() { Host = endpoint.Host, Realm = challenge.Realm, Service = challenge.Service, Scopes = { scopes } };
        try
        {
            FetchTokenResponse answer = await TokenFetcher.FetchAsync(tokens, realm, request, credential, cancellationToken).ConfigureAwait(false);

            // Replaces a token before it expires.
            double seconds = Math.Clamp(answer.ExpiresIn, 1, 24 * 3600);
            return (answer.Token, DateTimeOffset.UtcNow.AddSeconds(seconds > 30 ? seconds - 10 : seconds / 2));
        }
        catch (RpcException e)
        {
            RegistryFailure failure = e.StatusCode == StatusCode.Unauthenticated ? RegistryFailure.Unauthorized : RegistryFailure.Refused;
            throw new RegistryException(failure, LoginHost, Sentence(e.Status.Detail), e);
        }
    }

    private bool IsAllowed(Uri realm, Uri address) =>
        TokenFetcher.IsAllowed(realm, address.Authority)
        || (endpoint.IsInsecure && address.Scheme == Uri.UriSchemeHttp && realm.UserInfo.Length == 0 && realm.Scheme == Uri.UriSchemeHttp && realm.IdnHost.Equals(address.IdnHost, StringComparison.OrdinalIgnoreCase));

    private static string Sentence(string clause) => clause.Length == 0 ? clause : $"{char.ToUpperInvariant(clause[0])}{clause[1..].TrimEnd('.')}.";

    private sealed record Challenge(bool IsBearer, string Realm, string Service);
}
