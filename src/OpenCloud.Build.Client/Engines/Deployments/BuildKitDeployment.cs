using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>Engines that run on Kubernetes.</summary>
public sealed record BuildKitDeployment
{
    /// <summary>The name of the Deployment or StatefulSet.</summary>
    public required string Name { get; init => field = TerminalText.Line(value); }

    /// <summary>The namespace.</summary>
    public required string Namespace { get; init => field = TerminalText.Line(value); }

    /// <summary>The context of kubectl's configuration; null for the current one.</summary>
    public string? Context { get; init => field = TerminalText.Name(value); }

    /// <summary>The address of the engines: one for all ready pods.</summary>
    public string Address { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>The kind of the workload.</summary>
    public BuildKitDeploymentKind Kind { get; init; }

    /// <summary>The wanted number of pods.</summary>
    public int Replicas { get; init; }

    /// <summary>The number of pods that are ready.</summary>
    public int Ready { get; init; }

    /// <summary>The image of the engines.</summary>
    public string Image { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>Whether the engines run without privileges.</summary>
    public bool IsRootless { get; init; }

    /// <summary>Whether the engines also listen on TCP, with mutual TLS.</summary>
    public bool HasTls { get; init; }

    /// <summary>When it was created; null when not reported.</summary>
    public DateTimeOffset? Created { get; init; }
}
