using Grpc.Core;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>The state that the handles of a call on its own connection share.</summary>
internal abstract class DedicatedExchange
{
    private Status? _status;
    private Metadata _trailers = Metadata.Empty;

    /// <summary>The call as bytes; faulted when it could not be opened.</summary>
    public abstract Task<DedicatedCall> Call { get; }

    public static Task<Metadata> Headers(object exchange) => throw new NotSupportedException("A call on a dedicated connection does not expose headers.");

    public static Status Status(object exchange) => ((DedicatedExchange)exchange)._status ?? throw new InvalidOperationException("The call has not ended.");

    public static Metadata Trailers(object exchange) => ((DedicatedExchange)exchange)._trailers;

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
            // The user of the call already has the error.
        }
    }
}

/// <summary>The messages of a call on its own connection. One reader and one writer at a time.</summary>
internal sealed class DedicatedExchange<TRequest, TResponse>(DedicatedCallInvoker invoker, Method<TRequest, TResponse> method, CallOptions options)
    : DedicatedExchange, IClientStreamWriter<TRequest>, IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private Task<DedicatedCall> _call = Task.FromException<DedicatedCall>(new InvalidOperationException("The call has not begun."));
    private MessageReader? _reader;

    public override Task<DedicatedCall> Call => _call;

    public TResponse Current { get; private set; } = null!;

    public WriteOptions? WriteOptions { get; set; }

    /// <summary>Opens a call whose request is written later.</summary>
    public void Begin() => _call = invoker.OpenAsync(method.FullName, options, null);

    public void Begin(TRequest request) => _call = SendAsync(request);

    /// <summary>Opens a call with its complete request and reads the single answer.</summary>
    public Task<TResponse> AskAsync(TRequest request)
    {
        Begin(request);
        return ReadAnswerAsync();
    }

    /// <summary>Reads the single answer, which ends the call.</summary>
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

    public Task WriteAsync(TRequest message) => WriteAsync(message, options.CancellationToken);

    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        DedicatedCall call = await _call.ConfigureAwait(false);
        await invoker.ComeBackAsync().ConfigureAwait(false);
        using SentMessage sent = SentMessage.Of(method.RequestMarshaller, message);
        await call.WriteAsync(sent.Framed, default, cancellationToken).ConfigureAwait(false);
    }

    public async Task CompleteAsync() => (await _call.ConfigureAwait(false)).CompleteWriting();

    private async Task<DedicatedCall> SendAsync(TRequest request)
    {
        using SentMessage sent = SentMessage.Of(method.RequestMarshaller, request);
        return await invoker.OpenAsync(method.FullName, options, sent.Framed).ConfigureAwait(false);
    }
}
