namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>Why a program did not connect to an engine.</summary>
internal enum RemoteFault
{
    Other,
    HostKeyRejected,
    LoginRefused,
    HostNotFound,
    Unreachable,
    Refused,
    NoContainer,
    NoHelper,
    NoSocket,
    SocketForbidden,
}
