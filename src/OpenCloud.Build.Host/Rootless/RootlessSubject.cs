namespace OpenCloud.Build.Host.Rootless;

/// <summary>For whom and with which paths a rootless engine is looked at.</summary>
internal sealed record RootlessSubject
{
    /// <summary>The user.</summary>
    public required string Name { get; init; }

    /// <summary>Its number; null while it is yet to be made.</summary>
    public uint? Uid { get; init; }

    /// <summary>Its home.</summary>
    public required string Home { get; init; }

    /// <summary>Where the engine keeps its state.</summary>
    public required string State { get; init; }

    /// <summary>Where programs go or are; null when that is not known.</summary>
    public string? Prefix { get; init; }

    /// <summary>The program rootlesskit; null for the one on the system's path.</summary>
    public string? RootlessKit { get; init; }

    /// <summary>rootlesskit comes with the installation, out of an archive.</summary>
    public bool BringsRootlessKit { get; init; }
}
