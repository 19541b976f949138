namespace OpenCloud.Build.Client.Transport;

/// <summary>Why an engine could not be connected to.</summary>
public enum EngineConnectReason
{
    /// <summary>Something else; see the inner exception.</summary>
    Other = 0,

    /// <summary>There is no socket at that path. The engine may still be starting.</summary>
    NotFound,

    /// <summary>Nothing accepts connections there. The engine may still be starting, or it died and left its socket behind.</summary>
    Refused,

    /// <summary>This user may not connect; see <see cref="EngineConnectException.Access"/>.</summary>
    PermissionDenied,

    /// <summary>Something else than an engine is there.</summary>
    NotAnEngine,

    /// <summary>A Docker Engine answered, but does not give access to its BuildKit.</summary>
    Rejected,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>The host's name cannot be resolved.</summary>
    HostNotFound,

    /// <summary>There is no way to the host.</summary>
    Unreachable,

    /// <summary>The address would leave this machine unprotected, and that was not allowed. Nothing was sent.</summary>
    NotAllowed,

    /// <summary>A setting that names an engine is wrong.</summary>
    BadSetting,
}

/// <summary>An engine could not be connected to.</summary>
public sealed class EngineConnectException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="address">What was connected to; null when none was found.</param>
    /// <param name="message">What happened, in a sentence.</param>
    /// <param name="inner">The error beneath.</param>
    public EngineConnectException(EngineConnectReason reason, EngineAddress? address, string message, Exception? inner = null)
        : base(message, inner)
    {
        Reason = reason;
        Address = address;
    }

    /// <summary>Why.</summary>
    public EngineConnectReason Reason { get; }

    /// <summary>What was connected to; null when no engine was found.</summary>
    public EngineAddress? Address { get; }

    /// <summary>How many attempts were made.</summary>
    public int Attempts { get; internal set; } = 1;

    /// <summary>Who may use the socket and who was refused; only with <see cref="EngineConnectReason.PermissionDenied"/> on a unix socket.</summary>
    public SocketAccess? Access { get; internal init; }

    /// <summary>The candidates that were tried when no address was given; empty otherwise.</summary>
    public IReadOnlyList<PassedOverEngine> PassedOver { get; internal init; } = [];

    /// <summary>True when an engine that is still starting would fail like this.</summary>
    internal bool MayBeStarting => Reason is EngineConnectReason.NotFound or EngineConnectReason.Refused;
}
