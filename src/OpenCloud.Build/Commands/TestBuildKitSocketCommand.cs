using System.Management.Automation;
using System.Security;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Host.Diagnosis;
using OpenCloud.Build.Hosts;
using OpenCloud.Build.Nodes;

namespace OpenCloud.Build.Commands;

/// <summary>Reports whether an engine can be reached, and why not.</summary>
[Cmdlet(VerbsDiagnostic.Test, "BuildKitSocket", DefaultParameterSetName = "User")]
[OutputType(typeof(bool), typeof(SocketDiagnosis))]
public sealed class TestBuildKitSocketCommand : HostCmdlet
{
    /// <summary>The engine.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    [TextTransform("Address", TakesFiles = true)]
    public string? Address { get; set; }

    /// <summary>Returns all checks.</summary>
    [Parameter]
    public SwitchParameter Detailed { get; set; }

    /// <summary>Checks a rootless engine and its prerequisites.</summary>
    [Parameter]
    public SwitchParameter Rootless { get; set; }

    /// <summary>Diagnoses for this user.</summary>
    [Parameter(ParameterSetName = "User")]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public string? As { get; set; }

    /// <summary>Diagnoses for this service.</summary>
    [Parameter(ParameterSetName = "Service", Mandatory = true)]
    [ArgumentCompleter(typeof(PrincipalCompleter))]
    public string? Service { get; set; }

    /// <summary>How long to wait for an engine that is starting.</summary>
    [Parameter]
    [DurationTransform]
    [ArgumentCompleter(typeof(DurationCompleter))]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

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

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        List<(EngineAddress Address, EngineConnectOptions Options)> nodes = [];
        try
        {
            EngineConnectOptions options = new()
            {
                ConnectTimeout = ConnectTimeout,
                AllowPlainTcp = AllowPlainTcp,
                Tls = TlsArguments.Read(this, CertificateDirectory, CaCertificate, Certificate, Key, CertificatePassword, ServerName),
            };
            string text = Address ?? (Rootless ? "unix://" + RunHost((_, _) => Task.FromResult(RootlessDiagnosis.SocketOf(As))) : DefaultAddress());
            EngineAddress engine = EngineArguments.ParseAddress(text) ?? throw EngineArguments.Invalid(text);
            nodes.AddRange(EngineNodes.Of(engine, options));
            nodes.ForEach(n => TlsArguments.Check(n.Options.Tls, n.Address));
        }
        catch (BuildErrorException e)
        {
            ThrowTerminatingError(e.ToRecord());
        }

        bool isReachable = true;
        foreach ((EngineAddress address, EngineConnectOptions options) in nodes)
        {
            SocketDiagnosis diagnosis = RunHost((_, cancellationToken) => EngineDiagnosis.RunAsync(address, options, As, Service, Rootless, cancellationToken));
            isReachable &= diagnosis.Reachable;
            if (Detailed)
            {
                WriteObject(diagnosis);
            }
            else
            {
                Tell(diagnosis);
            }
        }

        if (!Detailed)
        {
            WriteObject(isReachable);
        }
    }

    private void Tell(SocketDiagnosis diagnosis)
    {
        if (!diagnosis.Reachable)
        {
            WriteVerbose(TerminalText.Plain(diagnosis.Remedy is null ? diagnosis.Story : $"{diagnosis.Story} {diagnosis.Remedy}"));
        }

        foreach (DiagnosisCheck risk in diagnosis.Checks.Where(static check => check.IsRisk))
        {
            WriteWarning(TerminalText.Plain(risk.Remedy is null ? risk.Evidence : $"{risk.Evidence} {risk.Remedy}"));
        }
    }

    private protected override void TranslateForRoot(IDictionary<string, object?> parameters)
    {
        // Access by TLS needs no root, and a password does not belong into a command line.
        _ = parameters.Remove(nameof(CertificatePassword));

        // Root has another environment, and so another default address.
        if (Address is null && !Rootless)
        {
            parameters[nameof(Address)] = DefaultAddress();
        }
    }

    // The actual or default address of the machine's engine: discovery would skip a closed socket, which this cmdlet must diagnose.
    private static string DefaultAddress()
    {
        if (Environment.GetEnvironmentVariable("BUILDKIT_HOST") is { Length: > 0 } set)
        {
            return set;
        }

        try
        {
            if (new NamedEngineStore().FindDefault() is { } named)
            {
                return named.Name;
            }
        }
        catch (NamedEngineException)
        {
            // The engines of this machine are tested; a command that needs the file says what is wrong with it.
        }

        string? own = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } folder ? Path.Combine(folder, "buildkit/buildkitd.sock") : null;
        return "unix://" + (own is not null && File.Exists(own) ? own : WellKnownSockets.BuildKit);
    }
}
