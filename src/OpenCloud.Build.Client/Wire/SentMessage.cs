using System.Buffers;
using Grpc.Core;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire;

/// <summary>A message that is serialized behind its prefix, in a pooled array.</summary>
internal sealed class SentMessage : SerializationContext, IBufferWriter<byte>, IDisposable
{
    private byte[] _array = [];
    private int _end;

    private SentMessage()
    {
    }

    /// <summary>The prefix and the message.</summary>
    public ReadOnlyMemory<byte> Framed => _array.AsMemory(0, _end);

    /// <summary>Serializes a message.</summary>
    /// <exception cref="RpcException">It is too large.</exception>
    public static SentMessage Of<T>(Marshaller<T> marshaller, T message)
    {
        SentMessage sent = new();
        marshaller.ContextualSerializer(message, sent);
        return sent;
    }

    /// <inheritdoc/>
    public override void SetPayloadLength(int payloadLength)
    {
        if (payloadLength > MessageLimits.Largest)
        {
            throw CallErrors.Create(StatusCode.ResourceExhausted, $"A message of {payloadLength} bytes is too large to be sent; engines accept {MessageLimits.Largest}.");
        }

        _array = BufferPool.Rent(GrpcPrefix.Length + payloadLength);
        GrpcPrefix.Write(_array, payloadLength);
        _end = GrpcPrefix.Length;
    }

    /// <inheritdoc/>
    public override IBufferWriter<byte> GetBufferWriter() => this;

    /// <inheritdoc/>
    public override void Complete()
    {
    }

    /// <inheritdoc/>
    public override void Complete(byte[] payload)
    {
        SetPayloadLength(payload.Length);
        payload.CopyTo(_array, _end);
        _end += payload.Length;
    }

    /// <inheritdoc/>
    public void Advance(int count) => _end += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0) => _array.AsMemory(_end);

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => _array.AsSpan(_end);

    /// <summary>Gives the array back, without what was in it: that may be a credential.</summary>
    public void Dispose()
    {
        byte[] array = _array;
        _array.AsSpan(0, _end).Clear();
        _array = [];
        _end = 0;
        BufferPool.Return(array);
    }
}
