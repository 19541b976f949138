using System.Collections.Concurrent;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Auth;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>
/// The session attachable for registry logins: <c>moby.filesync.v1.Auth</c>. It answers only for the registries that the build names, from the given
/// credentials and docker's configuration.
/// </summary>
/// <remarks>
/// Source: moby/buildkit, session/auth and util/resolver/authorizer.go. For registries with tokens the daemon asks for a token authority first,
/// and then asks it for each token, so that it never sees a password. Unavailable means that there is no authority: the daemon then fetches its
/// tokens itself, without credentials when it gets none. Registries with basic authentication need the password itself.
/// </remarks>
internal sealed class AuthService : Auth.AuthBase
{
    // How long the Go client keeps a credential (session/auth/authprovider): a little less than the lifetime of the shortest cloud tokens.
    private static readonly TimeSpan Lifetime = new(0, 4, 50);

    private readonly RegistryHosts _hosts;
    private readonly Dictionary<string, RegistryCredential> _given = new(RegistryHosts.Comparer);
    private readonly string _configDirectory;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, (long Asked, Task<StoredCredential> Answer)> _found = new(RegistryHosts.Comparer);
    private readonly ConcurrentDictionary<string, bool> _withheld = new(RegistryHosts.Comparer);
    private Exception? _failure;

    /// <summary>The credentials in <c>given</c>, by host, take precedence over docker's.</summary>
    public AuthService(RegistryHosts hosts, IReadOnlyDictionary<string, RegistryCredential> given, string configDirectory, TimeProvider? clock = null)
    {
        _configDirectory = configDirectory;
        _clock = clock ?? TimeProvider.System;
        _hosts = hosts;
        foreach ((string host, RegistryCredential credential) in given)
        {
            _given[host] = credential;
        }
    }

    /// <summary>The first failure on this side.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>The registries whose credentials were withheld because the build does not name them.</summary>
    public IReadOnlyCollection<string> Withheld => [.. _withheld.Keys.Order(StringComparer.Ordinal)];

    public override async Task<CredentialsResponse> Credentials(CredentialsRequest request, ServerCallContext context)
    {
        StoredCredential credential = await FindAsync(request.Host, context.CancellationToken).ConfigureAwait(false);
        return new CredentialsResponse { Username = credential.EffectiveUserName, Secret = credential.Secret };
    }

    public override async Task<FetchTokenResponse> FetchToken(FetchTokenRequest request, ServerCallContext context)
    {
        StoredCredential credential = await FindAsync(request.Host, context.CancellationToken).ConfigureAwait(false);
        if (credential.IsEmpty)
        {
            throw NoAuthority();
        }

        return credential.RegistryToken.Length > 0
            ? new FetchTokenResponse { Token = credential.RegistryToken, ExpiresIn = 60 }
            : await TokenFetcher.FetchAsync(request, credential, context.CancellationToken).ConfigureAwait(false);
    }

    public override async Task<GetTokenAuthorityResponse> GetTokenAuthority(GetTokenAuthorityRequest request, ServerCallContext context)
    {
        byte[] seed = await AuthorityAsync(request.Host, request.Salt.Memory, context.CancellationToken).ConfigureAwait(false);
        return new GetTokenAuthorityResponse { PublicKey = ByteString.CopyFrom(Ed25519.PublicKey(seed)) };
    }

    public override async Task<VerifyTokenAuthorityResponse> VerifyTokenAuthority(VerifyTokenAuthorityRequest request, ServerCallContext context)
    {
        byte[] seed = await AuthorityAsync(request.Host, request.Salt.Memory, context.CancellationToken).ConfigureAwait(false);

        // The signature, followed by the signed message (NaCl's crypto_sign).
        return new VerifyTokenAuthorityResponse { Signed = ByteString.CopyFrom([.. Ed25519.Sign(seed, request.Payload.Span), .. request.Payload.Span]) };
    }

    private static RpcException NoAuthority() => CallErrors.Create(StatusCode.Unavailable, "no credentials for this host");

    private async Task<byte[]> AuthorityAsync(string host, ReadOnlyMemory<byte> salt, CancellationToken cancellationToken)
    {
        StoredCredential credential = await FindAsync(host, cancellationToken).ConfigureAwait(false);
        if (credential.IsEmpty)
        {
            throw NoAuthority();
        }

        // The key includes the credential: the holder of another credential must not get its tokens.
        using IncrementalHash mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, salt.Span);
        mac.AppendData(TokenSeeds.Get(RegistryHosts.KeyOf(host)));
        mac.AppendData(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{credential.UserName}\0{credential.Secret}\0{credential.RegistryToken}")));
        return mac.GetHashAndReset();
    }

    internal async Task<StoredCredential> FindAsync(string host, CancellationToken cancellationToken)
    {
        string key = RegistryHosts.KeyOf(host);
        if (!_hosts.Contains(host))
        {
            NoteWithheld(host, key);
            return StoredCredential.None;
        }

        Task<StoredCredential> asked = Ask(key);
        try
        {
            // One request to a helper program serves all calls of the build, whichever of them ends first.
            return await asked.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryCredentialException e)
        {
            // The next call asks again.
            _found.TryRemove(key, out _);
            Interlocked.CompareExchange(ref _failure, e, null);
            throw CallErrors.Create(StatusCode.Unauthenticated, e.Message, e);
        }
    }

    private Task<StoredCredential> Ask(string key)
    {
        lock (_found)
        {
            if (_found.TryGetValue(key, out (long Asked, Task<StoredCredential> Answer) known) && _clock.GetElapsedTime(known.Asked) < Lifetime)
            {
                return known.Answer;
            }

            Task<StoredCredential> answer = LookUpAsync(key);
            _found[key] = (_clock.GetTimestamp(), answer);
            return answer;
        }
    }

    private void NoteWithheld(string host, string key)
    {
        try
        {
            if (DockerConfigFile.Read(_configDirectory).Names(key))
            {
                _withheld.TryAdd(host, true);
            }
        }
        catch (RegistryCredentialException)
        {
            // A configuration that cannot be read has no credentials to withhold.
        }
    }

    private async Task<StoredCredential> LookUpAsync(string key)
    {
        if (_given.TryGetValue(key, out RegistryCredential? given))
        {
            return StoredCredential.Of(given);
        }

        // Read anew each time: a login may have changed the file.
        return await DockerConfigFile.Read(_configDirectory).FindAsync(key, CancellationToken.None).ConfigureAwait(false) ?? StoredCredential.None;
    }
}
