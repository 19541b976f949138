using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>What was read from the transport and not yet taken in, in one pooled array of fixed size. Not safe for concurrent use.</summary>
internal sealed class PooledReceiveBuffer(int size) : IDisposable
{
    // Less room than this behind the last octet is not worth a read.
    private const int MinFree = Http2FrameHeader.Size + Http2FrameHeader.DefaultMaxPayload;

    private byte[] _array = BufferPool.Rent(size);
    private int _start;
    private int _end;

    /// <summary>Room for the next read. What is not yet taken in, less than a frame, may be moved.</summary>
    internal Memory<byte> Free
    {
        get
        {
            if (_array.Length - _end < MinFree || _start == _end)
            {
                Span.CopyTo(_array);
                _end -= _start;
                _start = 0;
            }

            return _array.AsMemory(_end);
        }
    }

    /// <summary>The octets that are to be taken in.</summary>
    internal Span<byte> Span => _array.AsSpan(_start, _end - _start);

    /// <summary>Octets were read into <see cref="Free"/>.</summary>
    internal void Added(int count) => _end += count;

    /// <summary>The first octets were taken in.</summary>
    internal void Taken(int count) => _start += count;

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[] array = _array;
        _array = [];
        if (array.Length > 0)
        {
            BufferPool.Return(array);
        }
    }
}
