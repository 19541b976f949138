using Grpc.Core;

namespace OpenCloud.Build.Client.Wire.Grpc.Server;

/// <summary>The messages of a served call, as generated services see them.</summary>
internal sealed class MessageStreams<TRequest, TResponse>(Method<TRequest, TResponse> method, GrpcServerCall call) : IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>
    where TRequest : class
    where TResponse : class
{
    /// <inheritdoc/>
    public TRequest Current { get; private set; } = null!;

    /// <inheritdoc/>
    public WriteOptions? WriteOptions { get; set; }

    /// <inheritdoc/>
    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        Current = (await call.ReadAsync(method.RequestMarshaller, cancellationToken.CanBeCanceled ? cancellationToken : call.CancellationToken).ConfigureAwait(false))!;
        return Current is not null;
    }

    /// <inheritdoc/>
    public Task WriteAsync(TResponse message) => WriteAsync(message, call.CancellationToken);

    /// <inheritdoc/>
    public Task WriteAsync(TResponse message, CancellationToken cancellationToken) => call.WriteAsync(method.ResponseMarshaller, message, cancellationToken).AsTask();
}
