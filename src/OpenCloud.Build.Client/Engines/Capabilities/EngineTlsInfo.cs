using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines.Capabilities;

/// <summary>How a connection to an engine is protected: the facts of an accepted TLS handshake. Names and dates are the certificates' own.</summary>
public sealed record EngineTlsInfo
{
    /// <summary>From how long before its end a certificate causes a warning.</summary>
    public static readonly TimeSpan WarnBefore = TlsVerdict.WarnBefore;

    /// <summary>The version, for example <c>TLS 1.3</c>.</summary>
    public required string Version { get; init; }

    /// <summary>The subject of the engine's certificate.</summary>
    public required string Subject { get; init; }

    /// <summary>The subject of the authority that issued it.</summary>
    public required string Issuer { get; init; }

    /// <summary>The host names and IP addresses that it is valid for.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Until when it is valid.</summary>
    public DateTimeOffset NotAfter { get; init; }

    /// <summary>The subject of the client's certificate; null when none was given.</summary>
    public string? ClientSubject { get; init; }

    /// <summary>Until when the client's certificate is valid; null when none was given.</summary>
    public DateTimeOffset? ClientNotAfter { get; init; }

    /// <summary>Connects, and closes the connection after the handshake.</summary>
    /// <param name="address">The address; <c>tcp://</c> or <c>docker://host:port</c>.</param>
    /// <param name="options">The options, with <see cref="EngineConnectOptions.Tls"/>.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="EngineConnectException">The connection or the handshake failed.</exception>
    public static async Task<EngineTlsInfo> InspectAsync(EngineAddress address, EngineConnectOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        // Refuses an address that is not TCP.
        _ = EngineConnectors.Create(address, options);
        TlsConnector connector = new(address, options, speaksHttp2: address.Scheme != "docker");
        await (await ConnectRetry.ConnectAsync(connector, options, cancellationToken).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        (TlsHandshake handshake, TlsIdentity identity) = connector.Last;
        X509Certificate2 server = handshake.ServerCertificate!;
        return new EngineTlsInfo
        {
            Version = handshake.Version == SslProtocols.Tls13 ? "TLS 1.3" : "TLS 1.2",
            Subject = TlsVerdict.Said(server.Subject),
            Issuer = TlsVerdict.Said(server.Issuer),
            Names = TlsVerdict.NamesOf(server),
            NotAfter = server.NotAfter,
            ClientSubject = identity.Certificate is { } client ? TlsVerdict.Said(client.Subject) : null,
            ClientNotAfter = identity.Certificate?.NotAfter,
        };
    }
}
