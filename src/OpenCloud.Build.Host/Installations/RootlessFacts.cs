namespace OpenCloud.Build.Host.Installations;

/// <summary>The facts that only a rootless installation has.</summary>
internal sealed record RootlessFacts
{
    public required string User { get; init; }

    public required uint Uid { get; init; }

    public required string Home { get; init; }

    public required string State { get; init; }

    /// <summary>Whether a system unit starts the engine; otherwise a user unit does.</summary>
    public bool SystemUnit { get; init; }

    public required string RootlessKit { get; init; }

    /// <summary>The programs from RootlessKit's own archive, with their sha256; empty when RootlessKit comes from a package.</summary>
    public IReadOnlyDictionary<string, string> RootlessKitPrograms { get; init; } = new Dictionary<string, string>();

    /// <summary>How RootlessKit's archive was verified; null when RootlessKit comes from a package.</summary>
    public Releases.IntegrityResult? RootlessKitIntegrity { get; init; }
}
