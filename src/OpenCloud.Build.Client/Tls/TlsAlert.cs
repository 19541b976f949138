using System.Security.Cryptography;

namespace OpenCloud.Build.Client.Tls;

/// <summary>
/// Explains a failed handshake, or the end of a connection, by what the peer sent: an alert (RFC 8446, 6), an old version, or something that is
/// not TLS.
/// </summary>
internal static class TlsAlert
{
    // OpenSSL reports a received alert as the reason 1000 + its number (SSL_AD_REASON_OFFSET), in the lower 23 bits of the code.
    private const int ReasonBits = 0x7fffff;
    private const int AlertOffset = 1000;
    private const int UnsupportedProtocol = 258;
    private const int UnsupportedVersion = 259;
    private const int VersionTooLow = 396;

    /// <summary>The first byte of an alert that is not encrypted.</summary>
    public const byte AlertRecord = 21;

    private const byte HandshakeRecord = 22;
    private const byte ServerHello = 2;
    private const byte Tls12Minor = 3;

    // RFC 8446, 6.2; RFC 7301, 3.2.
    private const int HandshakeFailure = 40;
    private const int BadCertificate = 42;
    private const int UnknownAuthority = 48;
    private const int AccessDenied = 49;
    private const int DecryptError = 51;
    private const int ProtocolVersion = 70;
    private const int CertificateRequired = 116;
    private const int NoApplicationProtocol = 120;

    /// <summary>The number of the alert that the peer sent, or 0.</summary>
    public static int Find(Exception? error, ReadOnlySpan<byte> first)
    {
        if (Reason(error) is > AlertOffset and < AlertOffset + 256 and var reason)
        {
            return reason - AlertOffset;
        }

        // A record of an alert in plain text: type, version, length 2, level, number.
        return first is [AlertRecord, 3, _, 0, 2, _, var number, ..] ? number : 0;
    }

    /// <summary>The problem behind a failed handshake.</summary>
    /// <param name="error">The error of the TLS library.</param>
    /// <param name="first">The first bytes of the peer.</param>
    /// <param name="hasCertificate">Whether a client certificate was offered.</param>
    /// <param name="facts">What is known here about that certificate: sentences that each begin with a space.</param>
    public static TlsException OfHandshake(Exception error, ReadOnlySpan<byte> first, bool hasCertificate, string facts = "")
    {
        if (OfAlert(error, first, hasCertificate, facts) is { } alert)
        {
            return alert;
        }

        if (Reason(error) is UnsupportedProtocol or UnsupportedVersion or VersionTooLow || IsOldHello(first))
        {
            return OldVersion(error);
        }

        if (first.Length > 0 && first[0] is not (AlertRecord or HandshakeRecord))
        {
            string said = first.StartsWith("HTTP/"u8) ? "it answers in plain HTTP/1"
                : first is [0, _, _, 4, ..] ? "it answers in plain HTTP/2, as an engine without TLS"
                : first.StartsWith("SSH-"u8) ? "it is an SSH server"
                : "it answers in another protocol";
            return new TlsException(TlsProblem.NotSpoken, $"The server does not speak TLS: {said}.", error);
        }

        return first.Length == 0 && error is IOException
            ? new TlsException(TlsProblem.NotSpoken, "The server closed the connection at the start of the TLS handshake: it does not speak TLS, or refuses this client.", error)
            : new TlsException(TlsProblem.Handshake, $"The TLS handshake failed: {(error.InnerException ?? error).Message.TrimEnd('.')}.", error);
    }

    /// <summary>The problem that an alert names, also after the handshake: in TLS 1.3 a server judges the client's certificate only then; null without one.</summary>
    public static TlsException? OfAlert(Exception error, ReadOnlySpan<byte> first, bool hasCertificate, string facts = "") => Find(error, first) switch
    {
        0 => null,
        ProtocolVersion => OldVersion(error),
        NoApplicationProtocol => new TlsException(TlsProblem.NotHttp2, "The server speaks TLS, but does not offer HTTP/2.", error),
        CertificateRequired => Missing(error),
        HandshakeFailure or BadCertificate when !hasCertificate => Missing(error),
        var number and (>= BadCertificate and < 47 or UnknownAuthority or AccessDenied or DecryptError) when hasCertificate =>
            new TlsException(TlsProblem.ClientCertificateRefused, $"The server refused the client certificate: {Name(number)}{(number == BadCertificate && facts.Length == 0 ? "; often it was not issued by the authority that the server accepts" : "")}.{facts}", error),
        var number => new TlsException(TlsProblem.Handshake, $"The server ended the TLS connection: {Name(number)}.", error),
    };

    private static TlsException Missing(Exception error) => new(TlsProblem.ClientCertificateMissing, "The server requires a client certificate.", error);

    private static TlsException OldVersion(Exception error) => new(TlsProblem.OldVersion, "The server offers neither TLS 1.2 nor TLS 1.3.", error);

    // A record of a handshake that begins with a ServerHello of a version before TLS 1.2.
    private static bool IsOldHello(ReadOnlySpan<byte> first) => first is [HandshakeRecord, 3, _, _, _, ServerHello, _, _, _, 3, < Tls12Minor, ..];

    private static int Reason(Exception? error)
    {
        for (Exception? e = error; e is not null; e = e.InnerException)
        {
            if (e is CryptographicException { HResult: var code } && (code & ReasonBits) is > 0 and < AlertOffset + 256 and var reason)
            {
                return reason;
            }
        }

        return 0;
    }

    private static string Name(int number) => number switch
    {
        HandshakeFailure => "handshake failure (alert 40)",
        BadCertificate => "bad certificate (alert 42)",
        43 => "unsupported certificate (alert 43); it may not be meant for clients",
        44 => "revoked (alert 44)",
        45 => "expired (alert 45)",
        46 => "certificate unknown (alert 46)",
        47 => "illegal parameter (alert 47)",
        UnknownAuthority => "issued by an unknown authority (alert 48)",
        AccessDenied => "access denied (alert 49)",
        DecryptError => "a signature is wrong (alert 51)",
        _ => $"alert {number}",
    };
}
