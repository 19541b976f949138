using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace OpenCloud.Build.Client.Grpc;

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
