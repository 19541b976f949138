using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines.Named;

/// <summary>One of the engines that a name means. TLS is named by paths; a password is never kept.</summary>
public sealed record EngineNode
{
    /// <summary>The address.</summary>
    public required string Address { get; init => field = TerminalText.Line(value); }

    /// <summary>The platforms that the node has natively, with commas between them; empty for those that its workers report.</summary>
    public string Platform { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>A directory with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>; null for none.</summary>
    public string? CertificateDirectory { get; init => field = TerminalText.Name(value); }

    /// <summary>The authorities that may have issued the engine's certificate; null for none.</summary>
    public string? CaCertificate { get; init => field = TerminalText.Name(value); }

    /// <summary>The client's certificate; null for none.</summary>
    public string? Certificate { get; init => field = TerminalText.Name(value); }

    /// <summary>The client's private key; null for none.</summary>
    public string? Key { get; init => field = TerminalText.Name(value); }

    /// <summary>The name that the engine's certificate must be valid for; null for the host of the address.</summary>
    public string? ServerName { get; init => field = TerminalText.Name(value); }

    /// <summary>The platforms one by one.</summary>
    public IReadOnlyList<string> GetPlatforms() => Platform.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The node with other platforms.</summary>
    /// <param name="platforms">The platforms; empty for those that its workers report.</param>
    public EngineNode WithPlatforms(IEnumerable<string> platforms) => this with { Platform = string.Join(", ", platforms) };

    /// <summary>The TLS of the node; null for none.</summary>
    public EngineTlsOptions? GetTls() => (CertificateDirectory ?? CaCertificate ?? Certificate ?? Key ?? ServerName) is null ? null : new EngineTlsOptions
    {
        Directory = CertificateDirectory,
        CaCertificate = CaCertificate,
        Certificate = Certificate,
        Key = Key,
        ServerName = ServerName,
    };

    /// <summary>The node with other TLS.</summary>
    /// <param name="tls">The TLS, whose password is not kept; null for none.</param>
    public EngineNode WithTls(EngineTlsOptions? tls) => this with
    {
        CertificateDirectory = tls?.Directory,
        CaCertificate = tls?.CaCertificate,
        Certificate = tls?.Certificate,
        Key = tls?.Key,
        ServerName = tls?.ServerName,
    };

    /// <summary>The address.</summary>
    public override string ToString() => Address;
}
