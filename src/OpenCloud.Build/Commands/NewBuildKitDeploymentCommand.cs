using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Runs engines on Kubernetes.</summary>
[Cmdlet(VerbsCommon.New, "BuildKitDeployment", SupportsShouldProcess = true)]
[OutputType(typeof(BuildKitDeployment), typeof(string))]
public sealed class NewBuildKitDeploymentCommand : KubernetesCmdlet
{
    private static readonly TimeSpan DefaultWait = TimeSpan.FromMinutes(5);

    /// <summary>The name of the deployment.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [TextTransform]
    [ArgumentCompleter(typeof(BuildKitDeploymentCompleter))]
    public string Name { get; set; } = string.Empty;

    /// <summary>The number of pods.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ReplicasCompleter))]
    public int? Replicas { get; set; }

    /// <summary>The kind of the workload.</summary>
    [Parameter]
    public BuildKitDeploymentKind Kind { get; set; }

    /// <summary>The image of buildkitd.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? Image { get; set; }

    /// <summary>Runs the engines without privileges.</summary>
    [Parameter]
    public SwitchParameter Rootless { get; set; }

    /// <summary>Also listens on TCP with mutual TLS.</summary>
    [Parameter]
    public SwitchParameter Tls { get; set; }

    /// <summary>The certificates of the engines.</summary>
    [Parameter]
    public string? CertificateDirectory { get; set; }

    /// <summary>The requested processors of each pod.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ProcessorAmountCompleter))]
    public string? Cpu { get; set; }

    /// <summary>The most processors of each pod.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ProcessorAmountCompleter))]
    public string? CpuLimit { get; set; }

    /// <summary>The requested memory of each pod.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(MemoryAmountCompleter))]
    public string? Memory { get; set; }

    /// <summary>The most memory of each pod.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(MemoryAmountCompleter))]
    public string? MemoryLimit { get; set; }

    /// <summary>The size of the cache of each pod.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(MemoryAmountCompleter))]
    public string? CacheSize { get; set; }

    /// <summary>The storage class of the volumes of a StatefulSet.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? StorageClass { get; set; }

    /// <summary>How long a pod that is removed waits for its builds.</summary>
    [Parameter]
    [DurationTransform]
    [ArgumentCompleter(typeof(BuildTimeoutCompleter))]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Returns the manifest and changes nothing.</summary>
    [Parameter]
    public SwitchParameter AsManifest { get; set; }

    /// <summary>Waits until the pods are ready.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>Replaces values of other managers.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Name, () =>
    {
        string? context = NullIfEmpty(Context);
        string? space = NullIfEmpty(Namespace);
        _ = Deployments();
        if (Tls != (NullIfEmpty(CertificateDirectory) is not null))
        {
            throw ErrorCatalog.InvalidDeployment.ToException(Name, null, "-Tls and -CertificateDirectory require each other.");
        }

        if (Wait && AsManifest)
        {
            throw ErrorCatalog.InvalidDeployment.ToException(Name, null, "-Wait and -AsManifest exclude each other.");
        }

        BuildKitDeploymentOptions options = new()
        {
            Name = Name,
            Kind = Kind,
            Replicas = Replicas,
            Image = NullIfEmpty(Image),
            IsRootless = Rootless,
            CertificateDirectory = Tls ? DirectoryArguments.ResolveLiteral(this, CertificateDirectory!) : null,
            Cpu = NullIfEmpty(Cpu),
            CpuLimit = NullIfEmpty(CpuLimit),
            Memory = NullIfEmpty(Memory),
            MemoryLimit = NullIfEmpty(MemoryLimit),
            CacheSize = NullIfEmpty(CacheSize),
            StorageClass = NullIfEmpty(StorageClass),
            DrainTimeout = DrainTimeout,
        };
        // Everything is checked before kubectl is started. Only who asks for the manifest, and not only for a plan, sees the key.
        bool showsSecrets = AsManifest && !IsPlanOnly;
        string manifest = BuildKitDeployments.WriteManifest(options, space, showsSecrets);
        if (AsManifest)
        {
            if (showsSecrets && Tls)
            {
                WriteWarning($"The manifest of the deployment '{Name}' contains the private key of its engines. Save it only in a file that only you can read.");
            }

            WriteObject(manifest);
            return;
        }

        if (!ShouldProcess(Describe(Kind.ToString(), Name, space, context), Replicas is { } pods ? $"Apply with {pods} pod{(pods == 1 ? "" : "s")}" : "Apply"))
        {
            if (IsPlanOnly)
            {
                WriteInformation(new HostInformationMessage { Message = manifest, NoNewLine = true }, ["PSHOST"]);
            }

            return;
        }

        RunAsync(async (poster, cancellationToken) =>
        {
            BuildKitDeployments deployments = Deployments(onWarning: poster.Warning);
            BuildKitDeployment made = await deployments.ApplyAsync(options, Force, cancellationToken).ConfigureAwait(false);
            if (Wait)
            {
                made = await WaitAsync(deployments, made, poster, cancellationToken).ConfigureAwait(false);
            }

            poster.Output(made);
        });
    });

    private Task<BuildKitDeployment> WaitAsync(BuildKitDeployments deployments, BuildKitDeployment made, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        string? before = null;
        return deployments.WaitAsync(made, MyInvocation.BoundParameters.ContainsKey(nameof(Timeout)) ? Timeout : DefaultWait, Tell, cancellationToken);

        void Tell(BuildKitDeployment now, string missing)
        {
            string text = TerminalText.Plain(missing);
            poster.Progress(new ProgressSnapshot("Engines on Kubernetes", $"{now.Name}: {text}", now.Replicas > 0 ? Math.Min(100, now.Ready * 100 / now.Replicas) : -1));
            if (text != before)
            {
                before = text;
                poster.Verbose($"The deployment '{now.Name}': {text}");
            }
        }
    }
}
