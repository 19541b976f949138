using System.Buffers;
using System.Net;
using Google.Protobuf;
using OpenCloud.Build.Client.Transport;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>
/// One call on the wire: sends the request, reads the answer's bytes, and turns every way in which it can end into an exception or a
/// proper end. One reader at a time. Cancelling a read ends the whole call.
/// </summary>
internal sealed class GrpcCall : IAsyncDisposable
{
    private readonly GrpcChannel _channel;
    private readonly string _path;
    private readonly CancellationToken _callerToken;
    private readonly CancellationTokenSource _ending;
    private readonly CancellationTokenSource? _deadline;
    private readonly Task<HttpResponseMessage> _response;
    private readonly byte[] _prefix = new byte[GrpcFrame.PrefixLength];
    private Stream? _body;
    private HttpResponseMessage? _answer;
    private Exception? _failure;
    private bool _ended;
    private int _disposed;

    public GrpcCall(GrpcChannel channel, string path, HttpContent content, GrpcCallOptions options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _channel = channel;
        _path = path;
        _callerToken = cancellationToken;
        if (options.Timeout is { } timeout)
        {
            _deadline = new CancellationTokenSource(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero);
        }
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _deadline?.Token ?? CancellationToken.None);
        _response = channel.SendAsync(path, content, options, _ending.Token);
    }

    /// <summary>Cancelled when the call is over: by its caller, its deadline or its disposal.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Completes when the answer's headers are there, or the call has failed before.</summary>
    public Task HeadersReceived => _response;

    /// <summary>Throws what went wrong when the request could not even be sent.</summary>
    public async ValueTask ThrowIfNotSentAsync()
    {
        if (_response.IsFaulted || _response.IsCanceled)
        {
            try
            {
                await _response.ConfigureAwait(false);
            }
            catch (Exception e)
            {
                throw Fail(Translate(e, CancellationToken.None));
            }
        }
    }

    /// <summary>Reads bytes of the answer; 0 when it ended with status Ok.</summary>
    /// <exception cref="GrpcException">The call ended otherwise.</exception>
    /// <exception cref="OperationCanceledException">The caller's token, or the given one, was cancelled.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended)
        {
            return _failure is null ? 0 : throw _failure;
        }
        using CancellationTokenRegistration registration = CancelWith(cancellationToken);
        try
        {
            Stream body = _body ?? await OpenAnswerAsync().ConfigureAwait(false);
            int read = await body.ReadAsync(buffer, _ending.Token).ConfigureAwait(false);
            if (read == 0 && buffer.Length > 0)
            {
                FinishWithTrailers();
            }
            return read;
        }
        catch (Exception e)
        {
            throw Fail(Translate(e, cancellationToken));
        }
    }

    /// <summary>Fills the buffer; false when the answer ended, with status Ok, before its first byte.</summary>
    public async ValueTask<bool> TryReadExactlyAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            int read = await ReadAsync(buffer[filled..], cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return filled == 0 ? false : throw Fail(Truncated());
            }
            filled += read;
        }
        return true;
    }

    /// <summary>Reads the next message; null when the answer ended with status Ok.</summary>
    public async ValueTask<T?> ReadMessageAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken = default)
        where T : class, IMessage<T>
    {
        if (!await TryReadExactlyAsync(_prefix, cancellationToken).ConfigureAwait(false))
        {
            return null;
        }
        int length = ReadPrefix(_prefix);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            if (length > 0 && !await TryReadExactlyAsync(buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false))
            {
                throw Fail(Truncated());
            }
            return parser.ParseFrom(buffer, 0, length);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Fail(Error(GrpcStatusCode.Internal, $"The engine's answer to {_path} is no {typeof(T).Name}.", e));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The length in a message's prefix; a bad one fails the call.</summary>
    public int ReadPrefix(ReadOnlySpan<byte> prefix)
    {
        try
        {
            return GrpcFrame.ReadPrefix(prefix);
        }
        catch (GrpcException e)
        {
            throw Fail(e);
        }
    }

    public GrpcException Truncated() => Error(GrpcStatusCode.Internal, $"The engine's answer to {_path} ends in the middle of a message.");

    public GrpcException Error(GrpcStatusCode code, string message, Exception? inner = null) => new(new GrpcStatus(code, message), [], inner);

    /// <summary>Ends the call because of an error; the first one stays.</summary>
    public Exception Fail(Exception error)
    {
        if (!_ended)
        {
            _failure = error;
            _ended = true;
            _ending.Cancel();
        }
        return error;
    }

    /// <summary>Lets a token of a single read or write end the call.</summary>
    public CancellationTokenRegistration CancelWith(CancellationToken cancellationToken) => cancellationToken.CanBeCanceled && cancellationToken != _callerToken
        ? cancellationToken.UnsafeRegister(static s => ((GrpcCall)s!).CancelQuietly(), this)
        : default;

    /// <summary>Why writing failed: the status that the engine ended the call with, where that is known, else what the write says.</summary>
    public async ValueTask<Exception> ExplainWriteAsync(Exception error, CancellationToken cancellationToken)
    {
        if (error is not OperationCanceledException || !_ending.IsCancellationRequested)
        {
            // An answer that consists of headers only may be what stopped the request; it is there by now or comes at once.
            await Task.WhenAny(_response, Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None)).ConfigureAwait(false);
            if (_failure is not null)
            {
                return _failure;
            }
            if (_response.IsCompletedSuccessfully && GrpcTrailers.ReadStatus((await _response.ConfigureAwait(false)).Headers) is { Code: not GrpcStatusCode.Ok } status)
            {
                return GrpcTrailers.ToException(status, (await _response.ConfigureAwait(false)).Headers);
            }
            if (_response.IsFaulted)
            {
                return Translate(_response.Exception!.InnerException!, cancellationToken);
            }
        }
        return error is OperationCanceledException && !_ending.IsCancellationRequested && !cancellationToken.IsCancellationRequested
            ? Error(GrpcStatusCode.Unavailable, $"The engine ended {_path} while it was still being sent to.", error)
            : Translate(error, cancellationToken);
    }

    public Exception Translate(Exception e, CancellationToken cancellationToken)
    {
        if (e is GrpcException or EngineConnectException)
        {
            return e;
        }
        if (_callerToken.IsCancellationRequested)
        {
            return new OperationCanceledException($"The call {_path} was cancelled.", e, _callerToken);
        }
        if (cancellationToken.IsCancellationRequested)
        {
            return new OperationCanceledException($"The call {_path} was cancelled.", e, cancellationToken);
        }
        if (_deadline?.IsCancellationRequested == true)
        {
            return Error(GrpcStatusCode.DeadlineExceeded, $"The engine did not answer {_path} in time.", e);
        }
        if (_disposed != 0)
        {
            return new ObjectDisposedException(nameof(GrpcCall));
        }
        return _channel.Explain(e, _path);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        CancelQuietly();
        try
        {
            // With its token cancelled the request ends at once, and its stream is reset unless it had ended.
            (await _response.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException or InvalidOperationException)
        {
            // Whoever read the call has been told.
        }
        _ending.Dispose();
        _deadline?.Dispose();
    }

    private void CancelQuietly()
    {
        try
        {
            _ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call was over already.
        }
    }

    private async ValueTask<Stream> OpenAnswerAsync()
    {
        HttpResponseMessage answer = _answer = await _response.ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.OK && GrpcTrailers.ReadStatus(answer.Headers) is { } status)
        {
            // "Trailers-Only": the headers are the end of the call.
            if (status.Code != GrpcStatusCode.Ok)
            {
                throw GrpcTrailers.ToException(status, answer.Headers);
            }
            return _body = Stream.Null;
        }
        string type = answer.Content.Headers.ContentType?.MediaType ?? "";
        bool isGrpc = type.Equals("application/grpc", StringComparison.OrdinalIgnoreCase) || type.StartsWith("application/grpc+", StringComparison.OrdinalIgnoreCase);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            throw GrpcTrailers.ReadStatus(answer.Headers) is { Code: not GrpcStatusCode.Ok } told
                ? GrpcTrailers.ToException(told, answer.Headers)
                : Error(GrpcTrailers.FromHttp((int)answer.StatusCode), $"{_channel.Name} answered {_path} with HTTP status {(int)answer.StatusCode}.");
        }
        if (!isGrpc)
        {
            throw Error(GrpcStatusCode.Unknown, type.Length == 0
                ? $"{_channel.Name} answered {_path} without a content type: it does not speak gRPC."
                : $"{_channel.Name} answered {_path} with {type}: it does not speak gRPC.");
        }
        return _body = await answer.Content.ReadAsStreamAsync(_ending.Token).ConfigureAwait(false);
    }

    private void FinishWithTrailers()
    {
        HttpResponseMessage answer = _answer!;
        if (ReferenceEquals(_body, Stream.Null))
        {
            _ended = true;
            return;
        }
        GrpcStatus status = GrpcTrailers.ReadStatus(answer.TrailingHeaders)
            ?? throw Error(GrpcStatusCode.Internal, $"{_channel.Name} ended {_path} without a gRPC status.");
        if (status.Code != GrpcStatusCode.Ok)
        {
            throw GrpcTrailers.ToException(status, answer.TrailingHeaders);
        }
        _ended = true;
    }
}
