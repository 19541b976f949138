namespace OpenCloud.Build.Client.Tls;

/// <summary>Why a TLS connection failed.</summary>
public enum TlsProblem
{
    /// <summary>The handshake failed for a reason that no other value covers.</summary>
    Handshake = 0,

    /// <summary>No accepted authority signed the server's certificate, or it is self-signed.</summary>
    Untrusted,

    /// <summary>A certificate of the server has expired, or is not yet valid.</summary>
    Expired,

    /// <summary>The server's certificate is for other names.</summary>
    WrongName,

    /// <summary>The server's certificate is invalid for another reason, for example its purpose.</summary>
    InvalidCertificate,

    /// <summary>The server requires a client certificate, and none was given.</summary>
    ClientCertificateMissing,

    /// <summary>The server refused the client certificate.</summary>
    ClientCertificateRefused,

    /// <summary>The server offers only TLS 1.1 or older.</summary>
    OldVersion,

    /// <summary>The server does not speak TLS.</summary>
    NotSpoken,

    /// <summary>The server speaks TLS, but not HTTP/2 over it.</summary>
    NotHttp2,

    /// <summary>Other users have access to a file with a private key. Nothing was sent.</summary>
    KeyExposed,

    /// <summary>Other users can change a file, or it belongs to another user. Nothing was sent.</summary>
    FileNotTrusted,

    /// <summary>A file cannot be read or does not have the expected content. Nothing was sent.</summary>
    FileInvalid,

    /// <summary>The private key does not belong to the certificate. Nothing was sent.</summary>
    KeyMismatch,

    /// <summary>TLS was requested for an address that is not TCP. Nothing was sent.</summary>
    NotApplicable,

    /// <summary>A password was given, and nothing is encrypted with it. Nothing was sent.</summary>
    PasswordNotUsed,
}
