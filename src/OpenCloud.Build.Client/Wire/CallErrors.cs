using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Wire.Http2.Frames;
using RpcStatus = OpenCloud.Build.Client.Protocol.Rpc.Status;

namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// Translates a call's failure: to an <see cref="RpcException"/> with the engine's status and a readable message, or to an
/// <see cref="EngineConnectException"/> when no engine answered.
/// </summary>
internal static class CallErrors
{
    /// <summary>The trailer with the status details: a <c>google.rpc.Status</c>.</summary>
    public const string DetailsField = "grpc-status-details-bin";

    public static RpcException Create(StatusCode code, string message, Exception? cause = null, Metadata? trailers = null) =>
        new(new Status(code, message, cause), trailers ?? Metadata.Empty, message.Length == 0 ? $"gRPC status {code}." : $"{message} (gRPC status {code})");

    /// <summary>The details of an error; empty when absent or malformed, so that they never hide the error itself.</summary>
    public static IReadOnlyList<Any> DetailsOf(RpcException error)
    {
        try
        {
            return error.Trailers.GetValueBytes(DetailsField) is { } bytes ? RpcStatus.Parser.ParseFrom(bytes).Details : [];
        }
        catch (InvalidProtocolBufferException)
        {
            return [];
        }
    }

    /// <summary>Translates the failure of a call on the pooled connection, which is null when none was made.</summary>
    public static Exception Explain(RpcException error, string method, CallOptions options, EngineAddress engine, GreetingStream? connection)
    {
        if (connection?.Explain(error.Status.DebugException ?? error, engine) is { } foreign)
        {
            return foreign;
        }

        if (error.StatusCode == StatusCode.Cancelled && options.CancellationToken.IsCancellationRequested)
        {
            return new OperationCanceledException($"The call {method} was cancelled.", error, options.CancellationToken);
        }

        for (Exception? e = error.Status.DebugException; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case EngineConnectException connect:
                    return connect;
                case HttpProtocolException { ErrorCode: var code }:
                    return Create(OfHttp2(code), $"{engine} aborted {method} (HTTP/2 error code {code}).", error);
                case InvalidProtocolBufferException:
                    return Create(StatusCode.Internal, $"{engine} sent an invalid answer to {method}.", error);
                case TimeoutException:
                    return new EngineConnectException(EngineConnectReason.Timeout, engine, $"{engine} did not accept the connection in time.", error);
            }
        }

        return error.Status.DebugException is { } lost and (HttpRequestException or IOException)
            ? Create(StatusCode.Unavailable, $"The connection to {engine} was lost during {method}: {lost.Message}", error)
            : Create(error.StatusCode, error.Status.Detail, error.Status.DebugException, error.Trailers);
    }

    /// <summary>Translates the failure of a call on its own connection.</summary>
    public static RpcException Explain(Exception error, string method, EngineAddress engine) => error is Http2Exception { ErrorCode: var code }
        ? Create(OfHttp2((long)code), $"{engine} aborted {method} (HTTP/2 error code {(long)code}: {error.Message}).", error)
        : Create(StatusCode.Unavailable, $"The connection to {engine} was lost during {method}: {error.Message}", error);

    /// <summary>The status for an HTTP answer without a gRPC status (gRPC's http-grpc-status-mapping document).</summary>
    public static StatusCode OfHttp(string status) => status switch
    {
        "400" => StatusCode.Internal,
        "401" => StatusCode.Unauthenticated,
        "403" => StatusCode.PermissionDenied,
        "404" => StatusCode.Unimplemented,
        "429" or "502" or "503" or "504" => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    // gRPC's HTTP/2 mapping, "Errors". After an orderly close of the connection, or a refused stream, a retry may help.
    private static StatusCode OfHttp2(long errorCode) => errorCode switch
    {
        0x0 or 0x7 => StatusCode.Unavailable,
        0x8 => StatusCode.Cancelled,
        0xb => StatusCode.ResourceExhausted,
        0xc => StatusCode.PermissionDenied,
        _ => StatusCode.Internal,
    };
}
