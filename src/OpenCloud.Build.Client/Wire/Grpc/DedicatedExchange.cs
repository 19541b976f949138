using Grpc.Core;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>What the handles of a call on a connection of its own refer to.</summary>
internal abstract class DedicatedExchange
{
    private Status? _status;
    private Metadata _trailers = Metadata.Empty;

    /// <summary>The call beneath, as bytes; faulted when it could not be opened.</summary>
    public abstract Task<DedicatedCall> Call { get; }

    public static Task<Metadata> Headers(object exchange) => throw new NotSupportedException("A call on a connection of its own tells its answer, not its headers.");

    public static Status Status(object exchange) => ((DedicatedExchange)exchange)._status ?? throw new InvalidOperationException("The call has not ended.");

    public static Metadata Trailers(object exchange) => ((DedicatedExchange)exchange)._trailers;

    /// <summary>Ends the call.</summary>
    public static void End(object exchange) => _ = EndAsync(((DedicatedExchange)exchange).Call);

    protected void Ended(RpcException? failure)
    {
        _status = failure?.Status ?? global::Grpc.Core.Status.DefaultSuccess;
        _trailers = failure?.Trailers ?? Metadata.Empty;
    }

    private static async Task EndAsync(Task<DedicatedCall> opening)
    {
        try
        {
            DedicatedCall call = await opening.ConfigureAwait(false);
            await call.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Whoever used the call has been told why there is none.
        }
    }
}

/// <summary>The messages of a call on a connection of its own. One reader and one writer at a time.</summary>
/// <typeparam name="TRequest">What is sent.</typeparam>
/// <typeparam name="TResponse">What is answered.</typeparam>
internal sealed class DedicatedExchange<TRequest, TResponse>(DedicatedCallInvoker invoker, Method<TRequest, TResponse> method, CallOptions options)
    : DedicatedExchange, IClientStreamWriter<TRequest>, IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private Task<DedicatedCall> _call = Task.FromException<DedicatedCall>(new InvalidOperationException("The call has not begun."));
    private MessageReader? _reader;

    /// <inheritdoc/>
    public override Task<DedicatedCall> Call => _call;

    /// <inheritdoc/>
    public TResponse Current { get; private set; } = null!;

    /// <inheritdoc/>
    public WriteOptions? WriteOptions { get; set; }

    /// <summary>Opens a call that is written to later.</summary>
    public void Begin() => _call = invoker.OpenAsync(method.FullName, options, null);

    /// <summary>Opens a call with all of its request.</summary>
    public void Begin(TRequest request) => _call = SendAsync(request);

    /// <summary>Opens a call with all of its request and reads the one message of its answer.</summary>
    public Task<TResponse> AskAsync(TRequest request)
    {
        Begin(request);
        return ReadAnswerAsync();
    }

    /// <summary>Reads the one message of an answer. The call has ended then.</summary>
    public async Task<TResponse> ReadAnswerAsync()
    {
        DedicatedCall call = await _call.ConfigureAwait(false);
        await using (call.ConfigureAwait(false))
        {
            TResponse answer = await MoveNext(CancellationToken.None).ConfigureAwait(false)
                ? Current
                : throw CallErrors.Create(StatusCode.Internal, $"{invoker.Engine.Name} answered {method.FullName} without a message.");
            return await MoveNext(CancellationToken.None).ConfigureAwait(false)
                ? throw CallErrors.Create(StatusCode.Internal, $"{invoker.Engine.Name} answered {method.FullName} with more than one message.")
                : answer;
        }
    }

    /// <inheritdoc/>
    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        DedicatedCall call = await _call.ConfigureAwait(false);
        await invoker.ComeBackAsync().ConfigureAwait(false);
        _reader ??= new MessageReader(call, MessageLimits.OfAnswer(method), StatusCode.Internal);
        try
        {
            using ReceivedMessage? message = await _reader.ReadAsync(cancellationToken.CanBeCanceled ? cancellationToken : options.CancellationToken).ConfigureAwait(false);
            if (message is not null)
            {
                Current = message.Decode(method.ResponseMarshaller);
                return true;
            }
        }
        catch (RpcException e)
        {
            Ended(e);
            throw;
        }

        Ended(null);
        _reader.Dispose();
        return false;
    }

    /// <inheritdoc/>
    public Task WriteAsync(TRequest message) => WriteAsync(message, options.CancellationToken);

    /// <inheritdoc/>
    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        DedicatedCall call = await _call.ConfigureAwait(false);
        await invoker.ComeBackAsync().ConfigureAwait(false);
        using SentMessage sent = SentMessage.Of(method.RequestMarshaller, message);
        await call.WriteAsync(sent.Framed, default, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task CompleteAsync() => (await _call.ConfigureAwait(false)).CompleteWriting();

    private async Task<DedicatedCall> SendAsync(TRequest request)
    {
        using SentMessage sent = SentMessage.Of(method.RequestMarshaller, request);
        return await invoker.OpenAsync(method.FullName, options, sent.Framed).ConfigureAwait(false);
    }
}
