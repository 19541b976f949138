using Grpc.Core;

namespace OpenCloud.Build.Client.Wire.Grpc.Server;

internal sealed class MessageStreams<TRequest, TResponse>(Method<TRequest, TResponse> method, GrpcServerCall call) : IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>
    where TRequest : class
    where TResponse : class
{
    public TRequest Current { get; private set; } = null!;

    public WriteOptions? WriteOptions { get; set; }

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        Current = (await call.ReadAsync(method.RequestMarshaller, cancellationToken.CanBeCanceled ? cancellationToken : call.CancellationToken).ConfigureAwait(false))!;
        return Current is not null;
    }

    public Task WriteAsync(TResponse message) => WriteAsync(message, call.CancellationToken);

    public Task WriteAsync(TResponse message, CancellationToken cancellationToken) => call.WriteAsync(method.ResponseMarshaller, message, cancellationToken).AsTask();
}
