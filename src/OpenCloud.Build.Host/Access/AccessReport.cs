namespace OpenCloud.Build.Host.Access;

/// <summary>What kind of principal something was granted to.</summary>
public enum PrincipalKind
{
    /// <summary>A user.</summary>
    User,

    /// <summary>A systemd service.</summary>
    Service,
}

/// <summary>Access of one user or service: how it was, how it is, and what is still to come.</summary>
/// <param name="Principal">Its name.</param>
/// <param name="Kind">User or service.</param>
/// <param name="Group">The group the access comes with.</param>
/// <param name="Was">How it was: "member", "not a member", "root".</param>
/// <param name="Is">How it is in the databases and units now.</param>
/// <param name="Pending">What it takes until running programs see it: a new login, a restart; null when nothing.</param>
/// <param name="Changed">Whether anything was changed.</param>
public sealed record AccessReport(string Principal, PrincipalKind Kind, string Group, string Was, string Is, string? Pending, bool Changed)
{
    /// <summary>The address at which the group reaches the engine, when it is another than its user's; null otherwise.</summary>
    public string? Address { get; init; }

    /// <summary>For a service: what keeps the grant from being of use after a boot, each with what to do; empty when nothing does.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Whose access is to be changed, and to what.</summary>
public sealed record AccessRequest
{
    /// <summary>Users by name.</summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Services by name, with or without <c>.service</c>.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>containerd's socket instead of the engine's.</summary>
    public bool Containerd { get; init; }

    /// <summary>The group; null for the one BuildKit was installed with.</summary>
    public string? Group { get; init; }

    /// <summary>Restarts services that run, so that it takes effect at once.</summary>
    public bool Restart { get; init; }
}
