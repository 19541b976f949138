namespace OpenCloud.Build.Host.Rootless;

/// <summary>What an installation without root has that another has not.</summary>
internal sealed record RootlessFacts
{
    /// <summary>Whose engine it is.</summary>
    public required string User { get; init; }

    /// <summary>The user's number.</summary>
    public required uint Uid { get; init; }

    /// <summary>The user's home.</summary>
    public required string Home { get; init; }

    /// <summary>Where the engine keeps its state.</summary>
    public required string State { get; init; }

    /// <summary>Whether a unit of the system starts it; else one of the user's.</summary>
    public bool SystemUnit { get; init; }

    /// <summary>The program rootlesskit.</summary>
    public required string RootlessKit { get; init; }

    /// <summary>The programs that came out of RootlessKit's own archive, with their sha256; empty for a package's.</summary>
    public IReadOnlyDictionary<string, string> RootlessKitPrograms { get; init; } = new Dictionary<string, string>();

    /// <summary>How RootlessKit's archive was proven; null for a package's.</summary>
    public Releases.IntegrityResult? RootlessKitIntegrity { get; init; }
}
