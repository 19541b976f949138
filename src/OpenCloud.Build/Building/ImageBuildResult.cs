namespace OpenCloud.Build;

/// <summary>An image that was built.</summary>
public sealed record ImageBuildResult
{
    /// <summary>The names the image was given, in full; empty when it was built without a name.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>The digest of the image's manifest or index; null when nothing was kept of the build.</summary>
    public string? Digest { get; init; }

    /// <summary>The digest of the image's configuration, which Docker calls the image's id; null for several platforms.</summary>
    public string? ConfigDigest { get; init; }

    /// <summary>The address of the engine that built it.</summary>
    public string Engine { get; init; } = "";

    /// <summary>The id of the build in the engine's history.</summary>
    public string BuildRef { get; init; } = "";

    /// <summary>The platforms it was built for.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>The directory it was built from.</summary>
    public string Path { get; init; } = "";

    /// <summary>How long the build took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The steps, in the order they began.</summary>
    public IReadOnlyList<ImageBuildStep> Steps { get; init; } = [];

    /// <summary>How many steps there were.</summary>
    public int StepCount => Steps.Count;

    /// <summary>How many of them were taken from the cache.</summary>
    public int CachedCount => Steps.Count(static s => s.Cached);

    /// <summary>What the engine warned of.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Bytes of files that were sent to the engine.</summary>
    public long BytesSent { get; init; }
}

/// <summary>One step of a build.</summary>
/// <param name="Name">What it did.</param>
/// <param name="Cached">Whether it was taken from the cache.</param>
/// <param name="Duration">How long it took; null when it did not end.</param>
/// <param name="Error">Why it failed; null when it did not.</param>
public sealed record ImageBuildStep(string Name, bool Cached, TimeSpan? Duration, string? Error)
{
    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
