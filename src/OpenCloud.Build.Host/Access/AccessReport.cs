namespace OpenCloud.Build.Host.Access;

/// <summary>The kind of a principal that is granted access.</summary>
public enum PrincipalKind
{
    /// <summary>A user.</summary>
    User,

    /// <summary>A systemd service.</summary>
    Service,
}

/// <summary>The access of one user or service: before, now, and what is pending.</summary>
/// <param name="Principal">Its name.</param>
/// <param name="Kind">User or service.</param>
/// <param name="Group">The group that provides the access.</param>
/// <param name="Was">The previous state: "member", "not a member", "root".</param>
/// <param name="Is">The current state in the databases and units.</param>
/// <param name="Pending">What running programs need before they see the change: a new login, a restart; null when nothing is pending.</param>
/// <param name="Changed">Whether anything was changed.</param>
public sealed record AccessReport(string Principal, PrincipalKind Kind, string Group, string Was, string Is, string? Pending, bool Changed)
{
    /// <summary>The address at which the group reaches the engine; null when it is the same as its user's.</summary>
    public string? Address { get; init; }

    /// <summary>For a service: what makes the grant ineffective after a boot, each with a remedy; empty when nothing does.</summary>
    public IReadOnlyList<string> Notes { get; init => field = TextList<string>.Of(value); } = TextList<string>.Empty;
}

/// <summary>The principals whose access is changed, and the resource.</summary>
public sealed record AccessRequest
{
    /// <summary>Users by name.</summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Services by name, with or without <c>.service</c>.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>Grants containerd's socket instead of the engine's.</summary>
    public bool Containerd { get; init; }

    /// <summary>The group; null for the group of the BuildKit installation.</summary>
    public string? Group { get; init; }

    /// <summary>Restarts running services, so the change takes effect at once.</summary>
    public bool Restart { get; init; }
}
