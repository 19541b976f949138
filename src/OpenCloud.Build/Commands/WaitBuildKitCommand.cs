using System.Management.Automation;
using System.Security;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Waits until an engine answers.</summary>
[Cmdlet(VerbsLifecycle.Wait, "BuildKit")]
[OutputType(typeof(BuildKitInfo))]
public sealed class WaitBuildKitCommand : BuildCmdlet
{
    /// <summary>The engine.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    [TextTransform("Address", TakesFiles = true)]
    public string? Address { get; set; }

    /// <summary>How long to wait.</summary>
    [Parameter]
    [Alias("ConnectTimeout")]
    [DurationTransform]
    [ArgumentCompleter(typeof(DurationCompleter))]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Allows plain TCP to other machines.</summary>
    [Parameter]
    public SwitchParameter AllowPlainTcp { get; set; }

    /// <summary>A directory with ca.pem, cert.pem and key.pem for TLS.</summary>
    [Parameter]
    [TextTransform("CertificateDirectory", TakesFiles = true)]
    public string? CertificateDirectory { get; set; }

    /// <summary>The certificates of the authorities that may have issued the engine's certificate.</summary>
    [Parameter]
    [TextTransform("CaCertificate", TakesFiles = true)]
    public string? CaCertificate { get; set; }

    /// <summary>The client's certificate.</summary>
    [Parameter]
    [TextTransform("Certificate", TakesFiles = true)]
    public string? Certificate { get; set; }

    /// <summary>The client's private key.</summary>
    [Parameter]
    [TextTransform("Key", TakesFiles = true)]
    public string? Key { get; set; }

    /// <summary>The password of the key or of the PKCS #12 file.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public SecureString? CertificatePassword { get; set; }

    /// <summary>The name that the engine's certificate must be valid for.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? ServerName { get; set; }

    /// <summary>Returns information about the engine.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            if (Timeout <= TimeSpan.Zero)
            {
                throw ErrorCatalog.InvalidDuration.ToException(Timeout, null, nameof(Timeout));
            }

            EngineAddress? address = EngineArguments.ParseAddress(Address);
            EngineConnectOptions options = new()
            {
                ConnectTimeout = Timeout,
                AllowPlainTcp = AllowPlainTcp,
                Tls = TlsArguments.Read(this, CertificateDirectory, CaCertificate, Certificate, Key, CertificatePassword, ServerName),
            };
            using EnginePool engines = new();
            RunAsync(async (poster, cancellationToken) =>
            {
                // Connecting requests the workers, so an engine that accepts but does not answer yet does not count.
                BuildKitClient engine = await engines.GetAsync(address, options, poster, cancellationToken).ConfigureAwait(false);
                if (PassThru)
                {
                    poster.Output(await engine.InspectAsync(cancellationToken).ConfigureAwait(false));
                }
            });
        }
        catch (BuildErrorException exception)
        {
            WriteError(exception.ToRecord());
        }
    }
}
