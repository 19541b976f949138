using OpenCloud.Build.Client.Http2;
using OpenCloud.Build.Client.Transport;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>
/// A call whose two directions are open, as bytes that the caller frames, and which has its connection for itself. One writer and one
/// reader at a time, which may be two tasks. Its user reads all the time: that keeps the connection going.
/// </summary>
internal sealed class GrpcExclusiveCall(
    Http2ClientStream stream, string path, string engine, Func<Exception, EngineConnectException?> explainPeer, Action<GrpcExclusiveCall>? onDisposed = null) : IAsyncDisposable
{
    /// <summary>The windows and limits of the connection.</summary>
    internal static readonly Http2Options Options = new()
    {
        // What GrpcChannel accepts, too.
        MaxHeaderListSize = 16 * 1024 * 1024,

        // A full gather of the Http2Server inside, with its frame headers, goes out with one write.
        MaxGatheredOutput = 248 * 1024,
    };

    private Exception? _failure;
    private bool _answered;
    private volatile bool _interrupted;

    /// <summary>Writes bytes of framed messages, and sends them at once if the engine lets us.</summary>
    /// <param name="head">The first bytes.</param>
    /// <param name="body">The bytes that follow.</param>
    /// <param name="cancellationToken">Ends the call: HTTP/2 has no half-written frames to go back to.</param>
    /// <exception cref="GrpcException">The engine has ended the call.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        if (_failure is not null)
        {
            throw _failure;
        }
        try
        {
            await stream.WriteAsync(head, body, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or Http2Exception)
        {
            throw _failure ?? explainPeer(e) ?? (Exception?)ReadEnd() ?? Explain(e);
        }
    }

    /// <inheritdoc cref="IInterruptibleReader.TryInterruptRead"/>
    public bool TryInterruptRead()
    {
        _interrupted = true;
        return stream.TryInterruptRead();
    }

    /// <summary>Ends the sending direction; the answer can still be read.</summary>
    public void CompleteWriting() => stream.CompleteWriting();

    /// <summary>Reads bytes of the answer; 0 when it ended with status Ok.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="cancellationToken">Ends the read; the call goes on.</param>
    /// <exception cref="GrpcException">The call ended otherwise.</exception>
    /// <exception cref="EngineConnectException">The peer is no engine.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_failure is not null)
        {
            throw _failure;
        }
        int count;
        try
        {
            count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or Http2Exception)
        {
            throw Fail(explainPeer(e) ?? Explain(e));
        }
        if (count == 0 && _interrupted)
        {
            return 0;
        }
        if (!_answered && stream.ResponseHeaders is { } headers)
        {
            CheckAnswer(headers);
            _answered = true;
        }
        if (count == 0 && buffer.Length > 0 && ReadEnd() is { } failure)
        {
            throw Fail(failure);
        }
        return count;
    }

    public GrpcException Truncated() => Error(GrpcStatusCode.Internal, $"The engine's answer to {path} ends in the middle of a message.");

    /// <summary>Notes that the call failed; the first error stays.</summary>
    public Exception Fail(Exception error) => _failure ??= error;

    /// <summary>Ends the call; an engine that has not ended it sees it cancelled.</summary>
    public ValueTask DisposeAsync()
    {
        onDisposed?.Invoke(this);
        return stream.DisposeAsync();
    }

    private static GrpcException Error(GrpcStatusCode code, string message, Exception? inner = null) => new(new GrpcStatus(code, message), [], inner);

    private void CheckAnswer(HeaderList headers)
    {
        GrpcStatus? told = GrpcTrailers.ReadStatus(headers);
        if (told is not null and not { Code: GrpcStatusCode.Ok })
        {
            throw Fail(GrpcTrailers.ToException(told, headers));
        }
        string status = headers[":status"] ?? "";
        if (status != "200")
        {
            throw Fail(Error(GrpcTrailers.FromHttp(int.Parse(status, System.Globalization.CultureInfo.InvariantCulture)), $"{engine} answered {path} with HTTP status {status}."));
        }
        string type = headers["content-type"] ?? "";
        int end = type.IndexOf(';', StringComparison.Ordinal);
        type = (end < 0 ? type : type[..end]).Trim();
        bool isGrpc = type.Equals("application/grpc", StringComparison.OrdinalIgnoreCase) || type.StartsWith("application/grpc+", StringComparison.OrdinalIgnoreCase);
        if (told is null && !isGrpc)
        {
            throw Fail(Error(GrpcStatusCode.Unknown, type.Length == 0
                ? $"{engine} answered {path} without a content type: it does not speak gRPC."
                : $"{engine} answered {path} with {type}: it does not speak gRPC."));
        }
    }

    /// <summary>Why the answer's end is an error; null when it is none.</summary>
    private GrpcException? ReadEnd()
    {
        // Without trailers, an answer may consist of headers only, which tell the end then.
        if (stream.Trailers is not { } fields)
        {
            fields = stream.ResponseHeaders;
        }
        return (fields is null ? null : GrpcTrailers.ReadStatus(fields)) switch
        {
            null => Error(GrpcStatusCode.Internal, $"{engine} ended {path} without a gRPC status."),
            { Code: GrpcStatusCode.Ok } => null,
            { } status => GrpcTrailers.ToException(status, fields!),
        };
    }

    private Exception Explain(Exception e) => e is Http2Exception { ErrorCode: var code }
        ? Error(GrpcTrailers.FromHttp2((long)code), $"{engine} broke off {path} (HTTP/2 error code {(long)code}: {e.Message}).", e)
        : Error(GrpcStatusCode.Unavailable, $"The connection to {engine} was lost during {path}: {e.Message}", e);
}
