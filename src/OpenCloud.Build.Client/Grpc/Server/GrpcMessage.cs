using System.Buffers;

namespace OpenCloud.Build.Client.Grpc.Server;

/// <summary>A received message, not yet decoded, in a pooled array. Its memory is valid until it is disposed, which is due once.</summary>
internal sealed class GrpcMessage : IDisposable
{
    private byte[] _array;

    /// <summary>Takes over a rented array.</summary>
    internal GrpcMessage(byte[] array, int length)
    {
        _array = array;
        Memory = array.AsMemory(0, length);
    }

    /// <summary>The serialized message.</summary>
    internal ReadOnlyMemory<byte> Memory { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[] array = _array;
        _array = [];
        Memory = default;
        if (array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }
}
