using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Certificates;

/// <summary>A certificate that was issued, and the directory of its files.</summary>
public sealed record BuildKitCertificate
{
    /// <summary>What it is for.</summary>
    public CertificateRole Role { get; init; }

    /// <summary>The name of its owner, and of its directory.</summary>
    public required string Name { get; init => field = TerminalText.Line(value); }

    /// <summary>The host names and IP addresses that it is valid for; empty unless it is a server's.</summary>
    public IReadOnlyList<string> Names { get; init => field = TerminalText.Names(value); } = [];

    /// <summary>The directory with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>; an authority has no <c>cert.pem</c>.</summary>
    public required string Path { get; init; }

    /// <summary>What happened to it.</summary>
    public CertificateChange Change { get; init; }

    /// <summary>From when it is valid.</summary>
    public DateTimeOffset NotBefore { get; init; }

    /// <summary>Until when it is valid.</summary>
    public DateTimeOffset NotAfter { get; init; }

    /// <summary>The SHA-256 of the certificate, in hexadecimal digits.</summary>
    public string Fingerprint { get; init => field = TerminalText.Line(value); } = string.Empty;
}
