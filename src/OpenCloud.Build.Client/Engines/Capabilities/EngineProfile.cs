using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Engines.Capabilities;

/// <summary>The properties of an engine that a build depends on, read from its workers.</summary>
internal sealed class EngineProfile(EngineAddress address, BuildKitWorker? worker)
{
    public EngineAddress Address => address;

    /// <summary>The same of another engine of the same kind.</summary>
    public EngineProfile At(EngineAddress other) => other.Equals(address) ? this : new EngineProfile(other, worker);

    /// <summary>True for the BuildKit inside a Docker Engine, whose images are the Engine's own.</summary>
    public bool IsDockerEngine => address.IsDocker;

    /// <summary>The version that the worker reports; null when missing or invalid. No decision depends on it.</summary>
    public string? Version => worker?.Version;

    /// <summary>The platforms of the default worker, its own first.</summary>
    public IReadOnlyList<string> Platforms => worker?.Platforms ?? [];

    public IReadOnlyDictionary<string, string> Labels => worker?.Labels ?? new Dictionary<string, string>();

    /// <summary><c>oci</c>, <c>containerd</c>, or null when not reported.</summary>
    public string? Executor => worker?.Executor;

    /// <summary>The containerd namespace of the images; null when the worker does not use containerd.</summary>
    public string? ContainerdNamespace => worker?.Namespace;

    /// <summary>False when a built image stays only in the build cache: buildkitd's own worker has no image store.</summary>
    public bool KeepsImages => IsDockerEngine || Executor != "oci";

    /// <summary>
    /// The store of the engine's images: the Docker Engine itself, or the containerd of this machine that a local daemon uses. Null when there
    /// is no store, or it is on another machine. Workers do not report their containerd's socket: the default one is assumed.
    /// </summary>
    public string? StoreAddress => IsDockerEngine ? Address.ToString()
        : ContainerdNamespace is null || Address.Scheme != "unix" ? null
        : Environment.GetEnvironmentVariable("CONTAINERD_ADDRESS") is { Length: > 0 } set ? EngineAddress.Parse(set).ToString()
        : EngineAddress.ForUnixSocket(ContainerdClient.DefaultSocket).ToString();

    /// <summary>Creates the profile from the workers' answer; the first worker is the default one.</summary>
    public static EngineProfile From(EngineAddress address, ListWorkersResponse workers)
        => new(address, workers.Record.Count > 0 ? EngineInspector.ToWorker(workers.Record[0], address, null) : null);
}
