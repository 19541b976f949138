namespace OpenCloud.Build.Client.Grpc;

/// <summary>A gRPC call ended with a status other than <see cref="GrpcStatusCode.Ok"/>, or shall end so when thrown by a served method.</summary>
public class GrpcException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="status">The status of the call.</param>
    /// <param name="details">The status details, in the order in which they came.</param>
    /// <param name="inner">What caused it, when that is known on this side.</param>
    public GrpcException(GrpcStatus status, IReadOnlyList<GrpcStatusDetail>? details = null, Exception? inner = null)
        : base(Describe(status), inner)
    {
        Status = status;
        Details = details ?? [];
    }

    /// <summary>The status of the call.</summary>
    public GrpcStatus Status { get; }

    /// <summary>The status details; empty when the other side sent none.</summary>
    public IReadOnlyList<GrpcStatusDetail> Details { get; }

    private static string Describe(GrpcStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        return status.Message.Length == 0 ? $"gRPC status {status.Code}." : $"{status.Message} (gRPC status {status.Code})";
    }
}
