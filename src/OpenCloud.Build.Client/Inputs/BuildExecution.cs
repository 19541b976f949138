namespace OpenCloud.Build.Client.Inputs;

/// <summary>The network that RUN steps get.</summary>
public enum BuildNetwork
{
    /// <summary>What the engine gives by default, and what each RUN asks for itself.</summary>
    Default,

    /// <summary>None but the loopback device.</summary>
    None,

    /// <summary>The engine's own; needs the entitlement <c>network.host</c>, which is asked for with it.</summary>
    Host,
}

/// <summary>How steps are run.</summary>
/// <remarks>Source: moby/buildkit, frontend/dockerui/config.go and attr.go; the entitlements are those of util/entitlements.</remarks>
public sealed record BuildExecution
{
    /// <summary>As the engine does it.</summary>
    public static BuildExecution Default { get; } = new();

    /// <summary>Stages whose steps are run anew.</summary>
    public IReadOnlyList<string> NoCacheStages { get; init; } = [];

    /// <summary>The network of steps.</summary>
    public BuildNetwork Network { get; init; }

    /// <summary>Lines for the steps' /etc/hosts, in their order; a name may have several addresses.</summary>
    public IReadOnlyList<ExtraHost> ExtraHosts { get; init; } = [];

    /// <summary>Bytes of /dev/shm; null for the engine's default.</summary>
    public long? SharedMemorySize { get; init; }

    /// <summary>Limits of the steps' processes.</summary>
    public IReadOnlyList<ResourceLimit> Limits { get; init; } = [];

    /// <summary>The control group that steps are put below; null for the engine's default.</summary>
    public string? ControlGroupParent { get; init; }

    /// <summary>What the build may be granted: <c>network.host</c>, <c>security.insecure</c>, <c>device</c> or <c>device=NAME</c>.</summary>
    public IReadOnlyList<string> Entitlements { get; init; } = [];

    /// <summary>The entitlements that the build asks for, with those that other settings need.</summary>
    internal IReadOnlyList<string> AllEntitlements =>
        Network == BuildNetwork.Host && !Entitlements.Contains("network.host") ? [.. Entitlements, "network.host"] : Entitlements;

    /// <summary>Whether a text is an entitlement that engines know.</summary>
    public static bool IsEntitlement(string text) =>
        text is "network.host" or "security.insecure" or "device" || (text.StartsWith("device=", StringComparison.Ordinal) && text.Length > "device=".Length);
}
