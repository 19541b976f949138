using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>
/// A call whose two directions are open, as bytes that the caller frames. One writer and one reader at a time, which may be two tasks.
/// Cancelling a read or a write ends the call: HTTP/2 has no half-written frames to go back to.
/// </summary>
internal sealed class GrpcDuplexCall : IAsyncDisposable
{
    private readonly GrpcDuplexContent _content;
    private Stream? _out;

    internal GrpcDuplexCall(GrpcCall call, GrpcDuplexContent content)
    {
        Call = call;
        _content = content;
    }

    /// <summary>The call beneath; reading is its business.</summary>
    public GrpcCall Call { get; }

    /// <summary>Writes bytes of framed messages. They may wait in a buffer until <see cref="FlushAsync"/>.</summary>
    /// <exception cref="GrpcException">The engine has ended the call.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> framed, CancellationToken cancellationToken = default)
    {
        using CancellationTokenRegistration registration = Call.CancelWith(cancellationToken);
        try
        {
            Stream stream = _out ??= await _content.Started.WaitAsync(Call.Ending).ConfigureAwait(false);
            await stream.WriteAsync(framed, Call.Ending).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            throw await Call.ExplainWriteAsync(e, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes one message with its prefix.</summary>
    public async ValueTask WriteMessageAsync(IMessage message, bool flush = true, CancellationToken cancellationToken = default)
    {
        int size = GrpcFrame.Measure(message);
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(GrpcFrame.PrefixLength + size);
        try
        {
            GrpcFrame.WritePrefix(buffer, size);
            message.WriteTo(buffer.AsSpan(GrpcFrame.PrefixLength, size));
            await WriteAsync(buffer.AsMemory(0, GrpcFrame.PrefixLength + size), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
        if (flush)
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends what waits.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        using CancellationTokenRegistration registration = Call.CancelWith(cancellationToken);
        try
        {
            Stream stream = _out ??= await _content.Started.WaitAsync(Call.Ending).ConfigureAwait(false);
            await stream.FlushAsync(Call.Ending).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            throw await Call.ExplainWriteAsync(e, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the sending direction; the answer can still be read.</summary>
    public void CompleteWriting() => _content.Complete();

    /// <summary>Ends the call; an engine that has not ended it sees it cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        _content.Complete();
        await Call.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>A call with typed messages both ways.</summary>
/// <typeparam name="TRequest">What is sent.</typeparam>
/// <typeparam name="TResponse">What is answered.</typeparam>
internal sealed class GrpcDuplexCall<TRequest, TResponse>(GrpcDuplexCall call, MessageParser<TResponse> parser) : IAsyncDisposable
    where TRequest : IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    /// <summary>Sends a message.</summary>
    public ValueTask WriteAsync(TRequest message, CancellationToken cancellationToken = default) =>
        call.WriteMessageAsync(message, flush: true, cancellationToken);

    /// <summary>Ends the sending direction.</summary>
    public void CompleteWriting() => call.CompleteWriting();

    /// <summary>The next message; null when the call ended with status Ok.</summary>
    public ValueTask<TResponse?> ReadAsync(CancellationToken cancellationToken = default) => call.Call.ReadMessageAsync(parser, cancellationToken);

    /// <summary>All messages until the end.</summary>
    public async IAsyncEnumerable<TResponse> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken).ConfigureAwait(false) is { } message)
        {
            yield return message;
        }
    }

    /// <inheritdoc cref="GrpcDuplexCall.DisposeAsync"/>
    public ValueTask DisposeAsync() => call.DisposeAsync();
}
