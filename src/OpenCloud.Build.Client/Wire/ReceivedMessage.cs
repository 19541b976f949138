using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire;

/// <summary>A received message, not yet decoded, in a pooled array. Its memory is valid until disposal, which must happen once.</summary>
internal sealed class ReceivedMessage : DeserializationContext, IDisposable
{
    private byte[] _array;

    /// <summary>Takes ownership of an array of <see cref="BufferPool"/>.</summary>
    internal ReceivedMessage(byte[] array, int length)
    {
        _array = array;
        Memory = array.AsMemory(0, length);
    }

    internal ReadOnlyMemory<byte> Memory { get; private set; }

    public override int PayloadLength => Memory.Length;

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(Memory);

    public override byte[] PayloadAsNewBuffer() => Memory.ToArray();

    /// <summary>Decodes the message.</summary>
    /// <exception cref="RpcException">The bytes are not such a message.</exception>
    public T Decode<T>(Marshaller<T> marshaller)
    {
        try
        {
            return marshaller.ContextualDeserializer(this);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw CallErrors.Create(StatusCode.Internal, $"The engine sent data that is not a {typeof(T).Name}.", e);
        }
    }

    public void Dispose()
    {
        byte[] array = _array;
        _array = [];
        Memory = default;
        BufferPool.Return(array);
    }
}
