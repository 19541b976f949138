namespace OpenCloud.Build.Host;

/// <summary>The kind of a <see cref="HostException"/>, for callers that choose an error id or a category.</summary>
public enum HostErrorKind
{
    /// <summary>The request is invalid or impossible; nothing was changed.</summary>
    InvalidInput,

    /// <summary>The work needs root.</summary>
    NotRoot,

    /// <summary>A named user, group, service or file does not exist.</summary>
    NotFound,

    /// <summary>This host lacks something the work needs (systemd, apt, a supported processor).</summary>
    Unsupported,

    /// <summary>An object that is not this module's is in the way and is not overwritten.</summary>
    Conflict,

    /// <summary>The archive is truncated, tampered with or hostile, or it cannot be verified.</summary>
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

    /// <summary>The kernel, the distribution or the account prevents a rootless engine.</summary>
    RootlessBlocked,
}

/// <summary>An error with the information a person needs to continue: what failed, why, and what to do about it.</summary>
public sealed class HostException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="kind">The kind of error.</param>
    /// <param name="message">What failed, and why.</param>
    /// <param name="remedy">The remedy; null when the message suffices.</param>
    /// <param name="target">The affected file, package, unit, user or address.</param>
    /// <param name="inner">The cause.</param>
    public HostException(HostErrorKind kind, string message, string? remedy = null, string? target = null, Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
        Remedy = remedy;
        Target = target;
    }

    /// <summary>The kind of error.</summary>
    public HostErrorKind Kind { get; }

    /// <summary>The remedy; null when the message suffices.</summary>
    public string? Remedy { get; }

    /// <summary>The affected file, package, unit, user or address.</summary>
    public string? Target { get; }

    /// <summary>What happened to the changes already made; set by the step runner after it undid them.</summary>
    public string? Aftermath { get; internal set; }
}
