using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace OpenCloud.Build.Client.Tls;

/// <summary>The certificates of a client, read from files.</summary>
internal sealed class TlsIdentity
{
    /// <summary>The only accepted authorities; null for those that the system trusts.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>Where <see cref="Authorities"/> came from.</summary>
    public string? AuthoritiesFile { get; init; }

    /// <summary>The client's certificate with its key; null for none.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Where <see cref="Certificate"/> came from.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The certificate and what the server needs to verify it.</summary>
    public SslStreamCertificateContext? Context { get; init; }
}
