namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// What this machine takes from an engine at most. An engine is trusted to build, not to fill this machine's disk: what goes past a bound
/// ends the build with an error.
/// </summary>
public sealed class ReceiveLimits
{
    private const long GiB = 1L << 30;

    /// <summary>The entries of a directory output.</summary>
    public int MaxEntries { get; init; } = 1_000_000;

    /// <summary>The bytes of one file, also of an archive.</summary>
    public long MaxFileBytes { get; init; } = 64 * GiB;

    /// <summary>The bytes of one output in all.</summary>
    public long MaxTotalBytes { get; init; } = 128 * GiB;

    /// <summary>The bytes of all names, links' targets and attributes of a directory output, which are held in memory until it is complete.</summary>
    public long MaxListBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>The bytes of a path, and of a symbolic link's target. Linux takes no longer ones in one call.</summary>
    public int MaxPathBytes { get; init; } = 4095;
}
