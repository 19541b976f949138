namespace OpenCloud.Build.Host;

/// <summary>What kind of trouble a <see cref="HostException"/> tells of, for callers that pick an error id or a category.</summary>
public enum HostErrorKind
{
    /// <summary>The caller asked for something that cannot be; nothing was changed.</summary>
    InvalidInput,

    /// <summary>The work needs root.</summary>
    NotRoot,

    /// <summary>A user, group, service or file that was named does not exist.</summary>
    NotFound,

    /// <summary>This host lacks something the work needs (systemd, apt, a supported processor).</summary>
    Unsupported,

    /// <summary>Something that is not ours stands in the way and is not overwritten.</summary>
    Conflict,

    /// <summary>The archive is not what it should be: truncated, tampered with, hostile, or nothing proves it.</summary>
    Integrity,

    /// <summary>The archive could not be fetched.</summary>
    Download,

    /// <summary>A disk or a quota is full.</summary>
    DiskFull,

    /// <summary>A program of the system failed.</summary>
    CommandFailed,

    /// <summary>The engine does not answer.</summary>
    EngineSilent,

    /// <summary>Another run holds the lock.</summary>
    Busy,

    /// <summary>The kernel, the distribution or the account does not let an engine run without root.</summary>
    RootlessBlocked,
}

/// <summary>An error with what a person needs to go on: what failed, why, and what to do about it.</summary>
public sealed class HostException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="kind">What kind of trouble it is.</param>
    /// <param name="message">What failed, and why.</param>
    /// <param name="remedy">What to do about it, or null when the message says it all.</param>
    /// <param name="target">The file, package, unit, user or address it is about.</param>
    /// <param name="inner">The cause.</param>
    public HostException(HostErrorKind kind, string message, string? remedy = null, string? target = null, Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
        Remedy = remedy;
        Target = target;
    }

    /// <summary>What kind of trouble it is.</summary>
    public HostErrorKind Kind { get; }

    /// <summary>What to do about it; null when nothing better than the message can be said.</summary>
    public string? Remedy { get; }

    /// <summary>The file, package, unit, user or address it is about.</summary>
    public string? Target { get; }

    /// <summary>What happened to the changes already made: filled in by the engine of steps after it undid them.</summary>
    public string? Aftermath { get; internal set; }
}
