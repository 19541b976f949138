using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that register engines: what a registration contains.</summary>
public abstract class NamedEngineCmdlet : BuildCmdlet
{
    private protected NamedEngineCmdlet()
    {
    }

    /// <summary>The platforms of the nodes.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>Labels of the engine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? Label { get; set; }

    /// <summary>Whether builds use the engine that name none.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter Default { get; set; }

    /// <summary>The caches that builds import by default.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(CacheCompleter))]
    public object[]? CacheFrom { get; set; }

    /// <summary>The caches that builds export to by default.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(CacheCompleter))]
    public object[]? CacheTo { get; set; }

    /// <summary>Allows plain TCP to other machines.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter AllowPlainTcp { get; set; }

    /// <summary>A directory with ca.pem, cert.pem and key.pem for TLS.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [TextTransform("CertificateDirectory", TakesFiles = true)]
    public string? CertificateDirectory { get; set; }

    /// <summary>The certificates of the authorities that may have issued the engines' certificates.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [TextTransform("CaCertificate", TakesFiles = true)]
    public string? CaCertificate { get; set; }

    /// <summary>The client's certificate.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [TextTransform("Certificate", TakesFiles = true)]
    public string? Certificate { get; set; }

    /// <summary>The client's private key.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [TextTransform("Key", TakesFiles = true)]
    public string? Key { get; set; }

    /// <summary>The name that the engines' certificates must be valid for.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? ServerName { get; set; }

    private protected static NamedEngineStore Store => new();

    /// <summary>Whether a parameter has a value for this input; an empty cell of a table is none.</summary>
    private protected bool Has(string parameter) =>
        MyInvocation.BoundParameters.TryGetValue(parameter, out object? value) && value is not (null or "" or object[] { Length: 0 } or object[] and [""]);

    /// <summary>The nodes of these addresses, with the platforms and the TLS of this input.</summary>
    /// <exception cref="BuildErrorException">An address, a platform or a parameter for TLS is invalid.</exception>
    private protected List<EngineNode> ReadNodes(IEnumerable<string> addresses) =>
        [.. NamedEngineArguments.Addresses(addresses).Select(a => WithSettings(new EngineNode { Address = a }))];

    /// <summary>The node with the platforms and the TLS of this input, where it has some.</summary>
    private protected EngineNode WithSettings(EngineNode node)
    {
        IReadOnlyList<string> platforms = NamedEngineArguments.Split(Platform);
        EngineNode changed = platforms.Count > 0 ? node.WithPlatforms(PlatformArguments.Parse(platforms).Select(static p => p.ToString()).Distinct()) : node;
        if (TlsArguments.ReadParts(this, Text(CertificateDirectory), Text(CaCertificate), Text(Certificate), Text(Key), Text(ServerName)) is not { } tls)
        {
            return changed;
        }

        // What is not named stays, but a directory and single files exclude each other.
        bool hasFiles = (tls.CaCertificate ?? tls.Certificate ?? tls.Key) is not null;
        bool hasDirectory = tls.Directory is not null;
        TlsArguments.Check(tls with { Certificate = tls.Certificate ?? changed.Certificate });
        TlsArguments.Check(tls, EngineAddress.Parse(node.Address));
        return changed with
        {
            CertificateDirectory = tls.Directory ?? (hasFiles ? null : changed.CertificateDirectory),
            CaCertificate = tls.CaCertificate ?? (hasDirectory ? null : changed.CaCertificate),
            Certificate = tls.Certificate ?? (hasDirectory ? null : changed.Certificate),
            Key = tls.Key ?? (hasDirectory ? null : changed.Key),
            ServerName = tls.ServerName ?? changed.ServerName,
        };
    }

    /// <summary>The engine with what this input says about the whole of it.</summary>
    private protected BuildKitEngine WithSettings(BuildKitEngine engine) => engine with
    {
        IsDefault = Has(nameof(Default)) ? Default : engine.IsDefault,
        AllowPlainTcp = Has(nameof(AllowPlainTcp)) ? AllowPlainTcp : engine.AllowPlainTcp,
        Labels = Has(nameof(Label)) ? KeyValueArguments.Read(nameof(Label), Label, static _ => "") : engine.Labels,
        CacheFrom = CacheFrom is null ? engine.CacheFrom : NamedEngineArguments.Caches(this, nameof(CacheFrom), CacheFrom),
        CacheTo = CacheTo is null ? engine.CacheTo : NamedEngineArguments.Caches(this, nameof(CacheTo), CacheTo),
    };

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        NamedEngineException failure => NamedEngineErrors.From(failure, target).ToRecord(),
        _ => base.ToRecord(exception, target),
    };

    private static string? Text(string? cell) => string.IsNullOrEmpty(cell) ? null : cell;
}
