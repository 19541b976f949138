namespace OpenCloud.Build.Client.Inputs;

/// <summary>The network of RUN steps.</summary>
public enum BuildNetwork
{
    /// <summary>The engine's default, or what each RUN requests itself.</summary>
    Default,

    /// <summary>Only the loopback device.</summary>
    None,

    /// <summary>The engine's own network; needs the entitlement <c>network.host</c>, which is requested with it.</summary>
    Host,
}

/// <summary>Options for running steps.</summary>
/// <remarks>Source: moby/buildkit, frontend/dockerui/config.go and attr.go; the entitlements are those of util/entitlements.</remarks>
public sealed record BuildExecution
{
    /// <summary>The engine's defaults.</summary>
    public static BuildExecution Default { get; } = new();

    /// <summary>Stages whose steps do not use the cache.</summary>
    public IReadOnlyList<string> NoCacheStages { get; init; } = [];

    /// <summary>The network of steps.</summary>
    public BuildNetwork Network { get; init; }

    /// <summary>Entries for the steps' /etc/hosts, in order; a name may have several addresses.</summary>
    public IReadOnlyList<ExtraHost> ExtraHosts { get; init; } = [];

    /// <summary>The size of /dev/shm in bytes; null for the engine's default.</summary>
    public long? SharedMemorySize { get; init; }

    /// <summary>Resource limits of the steps' processes.</summary>
    public IReadOnlyList<ResourceLimit> Limits { get; init; } = [];

    /// <summary>The parent cgroup of steps; null for the engine's default.</summary>
    public string? ControlGroupParent { get; init; }

    /// <summary>The entitlements: <c>network.host</c>, <c>security.insecure</c>, <c>device</c> or <c>device=NAME</c>.</summary>
    public IReadOnlyList<string> Entitlements { get; init; } = [];

    /// <summary>The entitlements of the request and those that other settings need.</summary>
    internal IReadOnlyList<string> AllEntitlements =>
        Network == BuildNetwork.Host && !Entitlements.Contains("network.host") ? [.. Entitlements, "network.host"] : Entitlements;

    /// <summary>Whether a text is a known entitlement.</summary>
    public static bool IsEntitlement(string text) =>
        text is "network.host" or "security.insecure" or "device" || (text.StartsWith("device=", StringComparison.Ordinal) && text.Length > "device=".Length);
}
