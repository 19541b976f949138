namespace OpenCloud.Build.Client.Tls;

/// <summary>
/// How a connection over TCP is protected with TLS 1.2 or 1.3. Any value turns TLS on. All paths are absolute; the files are read with the
/// first connection.
/// </summary>
public sealed record EngineTlsOptions
{
    /// <summary>The name of the certificates of the accepted authorities in <see cref="Directory"/>.</summary>
    public const string CaFile = "ca.pem";

    /// <summary>The name of the client's certificate in <see cref="Directory"/>.</summary>
    public const string CertificateFile = "cert.pem";

    /// <summary>The name of the client's private key in <see cref="Directory"/>.</summary>
    public const string KeyFile = "key.pem";

    /// <summary>A directory with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>, of which each may be missing; instead of the next three.</summary>
    public string? Directory { get; init; }

    /// <summary>A PEM file with the only certificates that may have signed the server's; null for those that the system trusts.</summary>
    public string? CaCertificate { get; init; }

    /// <summary>The client's certificate, followed by intermediate ones: PEM, or PKCS #12 with the key.</summary>
    public string? Certificate { get; init; }

    /// <summary>The client's private key in PEM; null when it is in the file of the certificate.</summary>
    public string? Key { get; init; }

    /// <summary>The password of the key or of the PKCS #12 file. It is not part of the text of this record.</summary>
    public string? Password { get; init; }

    /// <summary>The name or IP address that the server's certificate must be valid for; null for the host of the address.</summary>
    public string? ServerName { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{nameof(EngineTlsOptions)} {{ Directory = {Directory}, CaCertificate = {CaCertificate}, Certificate = {Certificate}, Key = {Key}, ServerName = {ServerName} }}";
}
