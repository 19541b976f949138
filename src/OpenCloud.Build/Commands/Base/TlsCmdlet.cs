using System.Management.Automation;
using System.Security;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that connect to engines elsewhere: plain TCP only where it is allowed, and TLS.</summary>
public abstract class TlsCmdlet : BuildCmdlet
{
    private protected TlsCmdlet()
    {
    }

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

    /// <exception cref="Errors.BuildErrorException">The time to wait is not positive, or a parameter for TLS is invalid.</exception>
    private protected EngineConnectOptions OptionsWith(TimeSpan connectTimeout) => EngineArguments.ConnectOptions(connectTimeout, AllowPlainTcp) with
    {
        Tls = TlsArguments.Read(this, CertificateDirectory, CaCertificate, Certificate, Key, CertificatePassword, ServerName),
    };
}
