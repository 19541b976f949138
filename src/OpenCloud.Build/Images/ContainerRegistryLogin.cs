namespace OpenCloud.Build.Images;

/// <summary>A login at a registry.</summary>
public sealed record ContainerRegistryLogin
{
    /// <summary>The registry.</summary>
    public required string Registry { get; init; }

    /// <summary>The user name.</summary>
    public required string UserName { get; init; }

    /// <summary>The configuration file or the credential helper that stores the login.</summary>
    public required string SavedIn { get; init; }
}
