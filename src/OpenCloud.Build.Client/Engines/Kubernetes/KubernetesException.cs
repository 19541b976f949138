using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>A request to a Kubernetes cluster failed.</summary>
public sealed class KubernetesException : Exception
{
    internal KubernetesException(KubernetesProblem problem, string message, Exception? inner = null)
        : base(message, inner) => Problem = problem;

    /// <summary>Why.</summary>
    public KubernetesProblem Problem { get; }

    /// <summary>Why the certificates cannot be used; null with any other <see cref="Problem"/> than <see cref="KubernetesProblem.Certificates"/>.</summary>
    public TlsProblem? Tls { get; internal init; }

    /// <summary>The output of a kubectl that failed: what it did before.</summary>
    internal string Output { get; init; } = string.Empty;

    /// <summary>The whole error output of kubectl, unfiltered.</summary>
    internal string Report { get; init; } = string.Empty;
}
