using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// A duplex call as bytes that the caller frames, on its own connection. One writer and one reader at a time, which may be two tasks.
/// The user must always read: reading keeps the connection going.
/// </summary>
internal sealed class DedicatedCall(Http2ClientStream stream, string path, EngineChannel engine, GreetingStream connection) : IByteReader, IAsyncDisposable
{
    internal static readonly Http2Options Options = new()
    {
        // The same limit as on the pooled connection.
        MaxHeaderListSize = 16 * 1024 * 1024,

        // A full gather of the Http2Server inside, with its frame headers, goes out with one write.
        MaxGatheredOutput = 248 * 1024,
    };

    private Exception? _failure;
    private bool _answered;
    private volatile bool _interrupted;

    /// <summary>Writes bytes of framed messages, and sends them at once if the windows allow. Cancellation ends the call, as a frame may be partial.</summary>
    /// <exception cref="RpcException">The engine has ended the call.</exception>
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
            throw _failure ?? connection.Explain(e, engine.Address) ?? (Exception?)ReadEnd() ?? CallErrors.Explain(e, path, engine.Address);
        }
    }

    public bool TryInterruptRead()
    {
        _interrupted = true;
        return stream.TryInterruptRead();
    }

    /// <summary>Ends the sending direction; the answer can still be read.</summary>
    public void CompleteWriting() => stream.CompleteWriting();

    /// <summary>Reads bytes of the answer; 0 when it ended with status OK. Cancellation ends the read; the call goes on.</summary>
    /// <exception cref="RpcException">The call ended with another status.</exception>
    /// <exception cref="EngineConnectException">The peer is not an engine.</exception>
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
            throw Fail(connection.Explain(e, engine.Address) ?? (Exception)CallErrors.Explain(e, path, engine.Address));
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

    /// <summary>Records that the call failed; the first error is kept.</summary>
    public Exception Fail(Exception error) => _failure ??= error;

    /// <summary>Ends the call; the engine sees it as canceled unless it had ended.</summary>
    public ValueTask DisposeAsync()
    {
        engine.Forget(this);
        return stream.DisposeAsync();
    }

    private void CheckAnswer(HeaderList headers)
    {
        Status? told = HeaderMetadata.ReadStatus(headers);
        if (told is { StatusCode: not StatusCode.OK } status)
        {
            throw Fail(CallErrors.Create(status.StatusCode, status.Detail, null, headers.ToMetadata()));
        }

        string http = headers[":status"] ?? "";
        if (http != "200")
        {
            throw Fail(CallErrors.Create(CallErrors.OfHttp(http), $"{engine.Name} answered {path} with HTTP status {http}."));
        }

        string type = headers["content-type"] ?? "";
        int end = type.IndexOf(';', StringComparison.Ordinal);
        type = (end < 0 ? type : type[..end]).Trim();
        bool isGrpc = type.Equals("application/grpc", StringComparison.OrdinalIgnoreCase) || type.StartsWith("application/grpc+", StringComparison.OrdinalIgnoreCase);
        if (told is null && !isGrpc)
        {
            throw Fail(CallErrors.Create(StatusCode.Unknown, type.Length == 0
                ? $"{engine.Name} answered {path} without a content type: it does not speak gRPC."
                : $"{engine.Name} answered {path} with {type}: it does not speak gRPC."));
        }
    }

    /// <summary>The error with which the answer ended; null for status OK.</summary>
    private RpcException? ReadEnd()
    {
        // Without trailers, an answer may consist of headers only, which then hold the status.
        HeaderList? fields = stream.Trailers ?? stream.ResponseHeaders;
        return (fields is null ? null : HeaderMetadata.ReadStatus(fields)) switch
        {
            null => CallErrors.Create(StatusCode.Internal, $"{engine.Name} ended {path} without a gRPC status."),
            { StatusCode: StatusCode.OK } => null,
            { } status => CallErrors.Create(status.StatusCode, status.Detail, null, fields!.ToMetadata()),
        };
    }
}
