using Grpc.Core;

namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// The longest message that is accepted, method by method: what BuildKit and containerd send at most (containerd,
/// defaults.DefaultMaxRecvMsgSize) where lists, logs and contents come, and little where an answer or a question has a few fields.
/// </summary>
internal static class MessageLimits
{
    /// <summary>The longest message in either direction.</summary>
    public const int Largest = 16 * 1024 * 1024;

    /// <summary>The longest message of a few fields.</summary>
    public const int Small = 64 * 1024;

    /// <summary>What the messages of a session's calls hold together; four of the longest. Its calls usually have messages of some 32 KiB.</summary>
    public const long OfSession = 64 * 1024 * 1024;

    /// <summary>The longest answer.</summary>
    public static int OfAnswer(string method) => method is
        "/moby.buildkit.v1.Control/Info" or
        "/moby.buildkit.v1.Control/UpdateBuildHistory" or
        "/moby.buildkit.v1.frontend.LLBBridge/Return" or
        "/containerd.services.content.v1.Content/Delete" or
        "/containerd.services.content.v1.Content/Write" or
        "/containerd.services.content.v1.Content/Abort" or
        "/containerd.services.images.v1.Images/Delete" or
        "/containerd.services.leases.v1.Leases/Create" or
        "/containerd.services.leases.v1.Leases/Delete" or
        "/containerd.services.leases.v1.Leases/AddResource" or
        "/containerd.services.snapshots.v1.Snapshots/Usage" or
        "/containerd.services.version.v1.Version/Version" ? Small : Largest;

    /// <summary>The longest message with which a session's service is called.</summary>
    public static int OfRequest(string method) => method is
        "/grpc.health.v1.Health/Check" or
        "/grpc.health.v1.Health/Watch" or
        "/moby.filesync.v1.Auth/Credentials" or
        "/moby.filesync.v1.Auth/FetchToken" or
        "/moby.filesync.v1.Auth/GetTokenAuthority" or
        "/moby.filesync.v1.Auth/VerifyTokenAuthority" or
        "/moby.buildkit.secrets.v1.Secrets/GetSecret" or
        "/moby.sshforward.v1.SSH/CheckAgent" or
        "/moby.upload.v1.Upload/Pull" or
        "/containerd.services.content.v1.Content/Info" or
        "/containerd.services.content.v1.Content/Read" or
        "/containerd.services.content.v1.Content/Abort" ? Small : Largest;

    /// <summary>The longest answer of a method.</summary>
    public static int OfAnswer(IMethod method) => OfAnswer(method.FullName);
}
