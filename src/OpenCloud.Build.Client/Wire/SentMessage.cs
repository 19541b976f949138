using System.Buffers;
using Grpc.Core;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire;

/// <summary>A message serialized behind its prefix, in a pooled array.</summary>
internal sealed class SentMessage : SerializationContext, IBufferWriter<byte>, IDisposable
{
    private byte[] _array = [];
    private int _end;

    private SentMessage()
    {
    }

    public ReadOnlyMemory<byte> Framed => _array.AsMemory(0, _end);

    /// <summary>Serializes a message.</summary>
    /// <exception cref="RpcException">The message is too large.</exception>
    public static SentMessage Of<T>(Marshaller<T> marshaller, T message)
    {
        SentMessage sent = new();
        marshaller.ContextualSerializer(message, sent);
        return sent;
    }

    public override void SetPayloadLength(int payloadLength)
    {
        if (payloadLength > MessageLimits.Largest)
        {
            throw CallErrors.Create(StatusCode.ResourceExhausted, $"A message of {payloadLength} bytes is too large to send; the limit is {MessageLimits.Largest}.");
        }

        _array = BufferPool.Rent(GrpcPrefix.Length + payloadLength);
        GrpcPrefix.Write(_array, payloadLength);
        _end = GrpcPrefix.Length;
    }

    public override IBufferWriter<byte> GetBufferWriter() => this;

    public override void Complete()
    {
    }

    public override void Complete(byte[] payload)
    {
        SetPayloadLength(payload.Length);
        payload.CopyTo(_array, _end);
        _end += payload.Length;
    }

    public void Advance(int count) => _end += count;

    public Memory<byte> GetMemory(int sizeHint = 0) => _array.AsMemory(_end);

    public Span<byte> GetSpan(int sizeHint = 0) => _array.AsSpan(_end);

    /// <summary>Returns the array, cleared because it may hold a credential.</summary>
    public void Dispose()
    {
        byte[] array = _array;
        _array.AsSpan(0, _end).Clear();
        _array = [];
        _end = 0;
        BufferPool.Return(array);
    }
}
