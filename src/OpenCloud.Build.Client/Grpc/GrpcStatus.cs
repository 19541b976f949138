namespace OpenCloud.Build.Client.Grpc;

/// <summary>The status codes of gRPC, as they travel in <c>grpc-status</c> (gRPC's statuscodes document).</summary>
public enum GrpcStatusCode
{
    /// <summary>Not an error.</summary>
    Ok = 0,

    /// <summary>The call was given up, usually by its caller.</summary>
    Cancelled = 1,

    /// <summary>An error of which nothing more is known.</summary>
    Unknown = 2,

    /// <summary>An argument that is wrong whatever the state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>The deadline passed before the call was done.</summary>
    DeadlineExceeded = 4,

    /// <summary>What was asked for does not exist.</summary>
    NotFound = 5,

    /// <summary>What was to be created exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>A quota or a limit of size is spent.</summary>
    ResourceExhausted = 8,

    /// <summary>The system is not in the state that the call needs.</summary>
    FailedPrecondition = 9,

    /// <summary>The call was given up because of a conflict with another.</summary>
    Aborted = 10,

    /// <summary>Past the end of what is valid.</summary>
    OutOfRange = 11,

    /// <summary>The method is not served here.</summary>
    Unimplemented = 12,

    /// <summary>Something is broken on the other side.</summary>
    Internal = 13,

    /// <summary>The service cannot be reached now; trying again may help.</summary>
    Unavailable = 14,

    /// <summary>Data was lost or is corrupt, beyond repair.</summary>
    DataLoss = 15,

    /// <summary>The caller did not show who it is.</summary>
    Unauthenticated = 16,
}

/// <summary>How a gRPC call ended.</summary>
/// <param name="Code">The status code.</param>
/// <param name="Message">The message as text (already percent-decoded); empty when there is none.</param>
public sealed record GrpcStatus(GrpcStatusCode Code, string Message);

/// <summary>One detail of a status: an <c>Any</c> of <c>google.rpc.Status</c>, not yet decoded.</summary>
/// <param name="TypeUrl">The type's URL, for example <c>type.googleapis.com/google.rpc.DebugInfo</c>.</param>
/// <param name="Value">The serialized message.</param>
public sealed record GrpcStatusDetail(string TypeUrl, ReadOnlyMemory<byte> Value);
