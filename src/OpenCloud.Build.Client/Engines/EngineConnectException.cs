using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines;

/// <summary>The connection to an engine failed.</summary>
public sealed class EngineConnectException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="reason">The reason.</param>
    /// <param name="address">The address; null when no engine was found.</param>
    /// <param name="message">A sentence that says what happened.</param>
    /// <param name="inner">The underlying error.</param>
    public EngineConnectException(EngineConnectReason reason, EngineAddress? address, string message, Exception? inner = null)
        : base(message, inner)
    {
        Reason = reason;
        Address = address;
    }

    /// <summary>The reason for the failure.</summary>
    public EngineConnectReason Reason { get; }

    /// <summary>The address; null when no engine was found.</summary>
    public EngineAddress? Address { get; }

    /// <summary>How many attempts were made.</summary>
    public int Attempts { get; internal set; } = 1;

    /// <summary>The socket's permissions and the refused user; only with <see cref="EngineConnectReason.PermissionDenied"/> on a unix socket.</summary>
    public SocketAccess? Access { get; internal init; }

    /// <summary>Why TLS failed; null with any other <see cref="Reason"/> than <see cref="EngineConnectReason.Tls"/>.</summary>
    public TlsProblem? Tls { get; internal init; }

    /// <summary>The candidates that were tried when no address was given; empty otherwise.</summary>
    public IReadOnlyList<PassedOverEngine> PassedOver { get; internal init; } = [];

    /// <summary>The error of a connection whose TLS failed.</summary>
    internal static EngineConnectException From(TlsException error, EngineAddress address) =>
        new(EngineConnectReason.Tls, address, $"Cannot connect to {address} with TLS: {error.Message}", error) { Tls = error.Problem };

    /// <summary>
    /// True when an engine that is still starting would fail like this. A timeout is retried over vsock only, because nothing in a booting
    /// virtual machine can answer yet.
    /// </summary>
    internal bool MayBeStarting => Reason is EngineConnectReason.NotFound or EngineConnectReason.Refused or EngineConnectReason.GuestNotFound
            or EngineConnectReason.HostNotListening or EngineConnectReason.ContainerNotRunning or EngineConnectReason.NoReadyPod
        || (Reason is EngineConnectReason.Timeout && Address is { } address && VsockAddress.Is(address.Scheme));
}
