namespace OpenCloud.Build.Client.Engines;

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

    /// <summary>On a socket of the system somebody answers who is neither root nor the owner of the socket's folder. Nothing was sent.</summary>
    UntrustedPeer,

    /// <summary>No virtual machine has that context id. It may still be starting.</summary>
    GuestNotFound,

    /// <summary>This machine, or the container this process runs in, has no AF_VSOCK.</summary>
    VsockUnavailable,
}
