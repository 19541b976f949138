namespace OpenCloud.Build.Client.Engines;

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

    /// <summary>
    /// True when an engine that is still starting would fail like this. Silence is retried over vsock only, where a virtual
    /// machine that boots has nothing yet that would answer.
    /// </summary>
    internal bool MayBeStarting => Reason is EngineConnectReason.NotFound or EngineConnectReason.Refused or EngineConnectReason.GuestNotFound
        || (Reason is EngineConnectReason.Timeout && Address is { } address && VsockAddress.Is(address.Scheme));
}
