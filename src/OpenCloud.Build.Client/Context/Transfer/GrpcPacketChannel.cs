using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>The stream of a FileSync call.</summary>
internal sealed class GrpcPacketChannel(GrpcServerCall call) : IPacketChannel
{
    public async ValueTask<ReceivedPacket?> ReadAsync(CancellationToken cancellationToken)
    {
        using ReceivedMessage? message = await call.ReadMessageAsync(cancellationToken).ConfigureAwait(false);
        return message is null ? null : PacketCodec.Read(message.Memory.Span);
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> messages, CancellationToken cancellationToken) =>
        call.WriteFramedAsync(messages, cancellationToken);
}
