namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>Engines to run on Kubernetes.</summary>
public sealed record BuildKitDeploymentOptions
{
    /// <summary>The name of the Deployment or StatefulSet: a letter, then lower-case letters, digits and -, at most 45 characters.</summary>
    public required string Name { get; init; }

    /// <summary>The kind of the workload.</summary>
    public BuildKitDeploymentKind Kind { get; init; }

    /// <summary>The number of pods; null for 1, and for the present number of a deployment that exists.</summary>
    public int? Replicas { get; init; }

    /// <summary>The image of buildkitd; null for the image of BuildKit 0.32.2, rootless or not.</summary>
    public string? Image { get; init; }

    /// <summary>Runs the engines as the user 1000, without privileges. It requires user namespaces on the machines of the cluster.</summary>
    public bool IsRootless { get; init; }

    /// <summary>The directory of <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c> with which the engines also listen on TCP; null for none.</summary>
    public string? CertificateDirectory { get; init; }

    /// <summary>The requested processors of each pod, for example <c>500m</c> or <c>4</c>.</summary>
    public string? Cpu { get; init; }

    /// <summary>The most processors of each pod.</summary>
    public string? CpuLimit { get; init; }

    /// <summary>The requested memory of each pod, for example <c>2Gi</c>.</summary>
    public string? Memory { get; init; }

    /// <summary>The most memory of each pod.</summary>
    public string? MemoryLimit { get; init; }

    /// <summary>The size of the cache of each pod; with a StatefulSet, of a volume that the pod keeps.</summary>
    public string? CacheSize { get; init; }

    /// <summary>The storage class of the volumes of a StatefulSet; null for the default of the cluster.</summary>
    public string? StorageClass { get; init; }

    /// <summary>How long a pod that is removed waits for its running builds; 10 minutes by default.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
