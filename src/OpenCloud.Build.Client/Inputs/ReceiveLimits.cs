namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// Limits on the data that this machine accepts from an engine. An engine is trusted to build, but not to fill this machine's disk. Exceeding a
/// limit ends the build with an error.
/// </summary>
public sealed class ReceiveLimits
{
    private const long GiB = 1L << 30;

    /// <summary>The largest number of entries of a directory output.</summary>
    public int MaxEntries { get; init; } = 1_000_000;

    /// <summary>The largest size of one file or archive, in bytes.</summary>
    public long MaxFileBytes { get; init; } = 64 * GiB;

    /// <summary>The largest total size of one output, in bytes.</summary>
    public long MaxTotalBytes { get; init; } = 128 * GiB;

    /// <summary>
    /// The largest total size in bytes of all names, link targets and attributes of a directory output, which are held in memory until it is
    /// complete.
    /// </summary>
    public long MaxListBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>The longest path or symbolic link target in bytes. Linux accepts no longer ones in one call.</summary>
    public int MaxPathBytes { get; init; } = 4095;
}
