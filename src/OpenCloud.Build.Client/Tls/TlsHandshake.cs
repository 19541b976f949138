using System.Diagnostics;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace OpenCloud.Build.Client.Tls;

/// <summary>Protects a connected socket with TLS, and verifies the server.</summary>
/// <param name="identity">The certificates of the client.</param>
/// <param name="name">The name or address that the server's certificate must be valid for.</param>
/// <param name="protocol">The protocol inside.</param>
/// <param name="clock">The clock for dates.</param>
internal sealed class TlsHandshake(TlsIdentity identity, string name, SslApplicationProtocol protocol, TimeProvider clock)
{
    // How long the first connection waits for the server's judgement of the client's certificate, as a multiple of the handshake.
    private const int Handshakes = 3;
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    /// <summary>The version of the last handshake.</summary>
    public SslProtocols Version { get; private set; }

    /// <summary>A copy of the server's certificate of the last handshake.</summary>
    public X509Certificate2? ServerCertificate { get; private set; }

    /// <summary>Takes ownership of the socket's stream.</summary>
    /// <param name="socket">The connected socket.</param>
    /// <param name="awaitJudgement">
    /// Whether to wait for the first bytes of the server. In TLS 1.3 a server judges the client's certificate after the client's part of the
    /// handshake has ended; servers of gRPC then send first, so that an alert arrives here and not in the middle of a call.
    /// </param>
    /// <param name="cancellationToken">Cancels the handshake.</param>
    /// <exception cref="TlsException">The handshake failed.</exception>
    public async ValueTask<TlsStream> RunAsync(Stream socket, bool awaitJudgement, CancellationToken cancellationToken)
    {
        TlsTransport transport = new(socket);
        SslStream tls = new(transport, leaveInnerStreamOpen: false);
        TlsException? objection = null;
        Func<string>? clientFacts = identity.Certificate is null ? null : () => TlsVerdict.FactsOfClient(identity, clock.GetUtcNow());
        try
        {
            long start = Stopwatch.GetTimestamp();
            try
            {
                await tls.AuthenticateAsClientAsync(
                    Options((certificate, chain) => (objection = TlsVerdict.Of(Keep(certificate), chain, name, identity, clock.GetUtcNow())) is null),
                    cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is AuthenticationException or IOException)
            {
                throw objection ?? TlsAlert.OfHandshake(e, transport.First, clientFacts is not null, clientFacts?.Invoke() ?? "");
            }

            Version = tls.SslProtocol;
            TlsStream stream = new(tls, transport, clientFacts);
            if (awaitJudgement && tls.SslProtocol == SslProtocols.Tls13)
            {
                await AwaitFirstBytesAsync(stream, Stopwatch.GetElapsedTime(start), cancellationToken).ConfigureAwait(false);
            }

            return stream;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task AwaitFirstBytesAsync(TlsStream stream, TimeSpan handshake, CancellationToken cancellationToken)
    {
        TimeSpan wait = handshake * Handshakes;
        using CancellationTokenSource limit = new(wait < ShortestWait ? ShortestWait : wait > LongestWait ? LongestWait : wait);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            // An empty read completes when data can be read, and takes none.
            _ = await stream.ReadAsync(Memory<byte>.Empty, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // A server, or a proxy before it, that lets the client speak first.
        }
    }

    // The TLS library disposes of its own instance with the connection.
    private X509Certificate2? Keep(X509Certificate2? certificate) =>
        ServerCertificate = certificate is null ? null : X509CertificateLoader.LoadCertificate(certificate.RawDataMemory.Span);

    private SslClientAuthenticationOptions Options(Func<X509Certificate2?, X509Chain?, bool> verify)
    {
        X509ChainPolicy policy = new()
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTimeIgnored = false,
            VerificationTime = clock.GetUtcNow().UtcDateTime,
            TrustMode = identity.Authorities is null ? X509ChainTrustMode.System : X509ChainTrustMode.CustomRootTrust,
        };
        if (identity.Authorities is { } authorities)
        {
            policy.CustomTrustStore.AddRange(authorities);
        }

        return new SslClientAuthenticationOptions
        {
            TargetHost = name,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            // HTTP/2 forbids it (RFC 9113, 9.2.1).
            AllowRenegotiation = false,
            ApplicationProtocols = [protocol],
            CertificateChainPolicy = policy,
            ClientCertificateContext = identity.Context,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => verify(certificate as X509Certificate2, chain),
        };
    }
}
