using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>Bytes read from the transport and not yet processed, in one pooled array of fixed size. Not safe for concurrent use.</summary>
internal sealed class PooledReceiveBuffer(int size) : IDisposable
{
    // A read with less free room than this is not worthwhile.
    private const int MinFree = Http2FrameHeader.Size + Http2FrameHeader.DefaultMaxPayload;

    private byte[] _array = BufferPool.Rent(size);
    private int _start;
    private int _end;

    /// <summary>Room for the next read. Unprocessed bytes, less than a frame, may be moved.</summary>
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

    internal Span<byte> Span => _array.AsSpan(_start, _end - _start);

    internal void Added(int count) => _end += count;

    internal void Taken(int count) => _start += count;

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
