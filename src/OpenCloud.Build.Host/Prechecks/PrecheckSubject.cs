namespace OpenCloud.Build.Host.Prechecks;

/// <summary>The user and the paths for which a rootless engine is checked.</summary>
internal sealed record PrecheckSubject
{
    public required string Name { get; init; }

    /// <summary>The user's number; null until the user is created.</summary>
    public uint? Uid { get; init; }

    public required string Home { get; init; }

    public required string State { get; init; }

    /// <summary>The prefix of the programs; null when unknown.</summary>
    public string? Prefix { get; init; }

    /// <summary>The program rootlesskit; null for the one on the system's path.</summary>
    public string? RootlessKit { get; init; }

    /// <summary>Whether the installation brings rootlesskit in an archive.</summary>
    public bool BringsRootlessKit { get; init; }
}
