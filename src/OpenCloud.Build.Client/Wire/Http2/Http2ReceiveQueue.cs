using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Received bytes of a stream that wait for a read, in pooled chunks. Not safe for concurrent use.</summary>
internal sealed class Http2ReceiveQueue
{
    private const int ChunkSize = 32 * 1024;

    private readonly Queue<byte[]> _chunks = new();
    private byte[]? _last;
    private int _readInFirst;
    private int _writtenInLast;

    internal int Length { get; private set; }

    internal void Append(ReadOnlySpan<byte> octets)
    {
        Length += octets.Length;
        while (!octets.IsEmpty)
        {
            if (_last is null || _writtenInLast == _last.Length)
            {
                _last = BufferPool.Rent(ChunkSize);
                _writtenInLast = 0;
                _chunks.Enqueue(_last);
            }

            int count = Math.Min(octets.Length, _last.Length - _writtenInLast);
            octets[..count].CopyTo(_last.AsSpan(_writtenInLast));
            _writtenInLast += count;
            octets = octets[count..];
        }
    }

    internal int Read(Span<byte> destination)
    {
        int total = 0;
        while (total < destination.Length && Length > 0)
        {
            byte[] first = _chunks.Peek();
            int available = (first == _last ? _writtenInLast : first.Length) - _readInFirst;
            int count = Math.Min(available, destination.Length - total);
            first.AsSpan(_readInFirst, count).CopyTo(destination[total..]);
            total += count;
            Length -= count;
            _readInFirst += count;
            if (count == available)
            {
                DropFirst();
            }
        }

        return total;
    }

    internal void Clear()
    {
        while (_chunks.Count > 0)
        {
            DropFirst();
        }

        Length = 0;
    }

    private void DropFirst()
    {
        byte[] first = _chunks.Dequeue();
        _readInFirst = 0;
        if (first == _last)
        {
            _last = null;
        }

        BufferPool.Return(first);
    }
}
