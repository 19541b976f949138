using Grpc.Core;

namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// The longest accepted message for each method: the most that BuildKit and containerd send (containerd,
/// defaults.DefaultMaxRecvMsgSize) for lists, logs and contents, and little for messages with a few fields.
/// </summary>
internal static class MessageLimits
{
    /// <summary>The longest message in either direction.</summary>
    public const int Largest = 16 * 1024 * 1024;

    public const int Small = 64 * 1024;

    /// <summary>The bytes that all messages of a session's calls may hold together: four of the longest. They usually have some 32 KiB each.</summary>
    public const long OfSession = 64 * 1024 * 1024;

    public static int OfAnswer(string method) => method is
        "/moby.buildkit.v1.Control/Info" or
        "/moby.buildkit.v1.Control/UpdateBuildHistory" or
        "/moby.buildkit.v1.frontend.LLBBridge/Evaluate" or
        "/moby.buildkit.v1.frontend.LLBBridge/Return" or
        "/containerd.services.content.v1.Content/Delete" or
        "/containerd.services.content.v1.Content/Write" or
        "/containerd.services.content.v1.Content/Abort" or
        "/containerd.services.images.v1.Images/Delete" or
        "/containerd.services.leases.v1.Leases/Create" or
        "/containerd.services.leases.v1.Leases/Delete" or
        "/containerd.services.leases.v1.Leases/AddResource" or
        "/containerd.services.snapshots.v1.Snapshots/Prepare" or
        "/containerd.services.snapshots.v1.Snapshots/Mounts" or
        "/containerd.services.snapshots.v1.Snapshots/Commit" or
        "/containerd.services.snapshots.v1.Snapshots/Remove" or
        "/containerd.services.snapshots.v1.Snapshots/Usage" or
        "/containerd.services.containers.v1.Containers/Delete" or
        "/containerd.services.tasks.v1.Tasks/Create" or
        "/containerd.services.tasks.v1.Tasks/Start" or
        "/containerd.services.tasks.v1.Tasks/Delete" or
        "/containerd.services.tasks.v1.Tasks/Get" or
        "/containerd.services.tasks.v1.Tasks/Kill" or
        "/containerd.services.tasks.v1.Tasks/Wait" or
        "/containerd.services.diff.v1.Diff/Apply" or
        "/containerd.services.version.v1.Version/Version" ? Small : Largest;

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

    public static int OfAnswer(IMethod method) => OfAnswer(method.FullName);
}
