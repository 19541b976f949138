using System.Buffers.Binary;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>
/// Lets a call send the same header field several times. <see cref="SocketsHttpHandler"/> joins the values of a field with ", ", but
/// BuildKit's session takes each <c>x-docker-expose-session-grpc-method</c> field for one method (session/manager.go). The channel
/// therefore joins values with <see cref="Separator"/>, and this stream, beneath the handler's HTTP/2, splits such fields where they
/// go by. Nothing else is looked at: DATA frames pass untouched and uncopied.
/// </summary>
internal sealed class HeaderSplitStream(Stream inner) : Stream
{
    /// <summary>What stands between the values: the unit separator, which no valid metadata has.</summary>
    public const byte Separator = 0x1f;

    private const int FrameHeader = 9;
    private const int ConnectionPreface = 24;
    private const int LargestFrame = 16384;
    private const byte HeadersFrame = 1;
    private const byte ContinuationFrame = 9;
    private const byte EndStreamFlag = 1;
    private const byte EndHeadersFlag = 4;
    private const byte PaddedAndPriorityFlags = 0x28;

    // Bytes that pass before the next frame header, and bytes kept back because their frame is not complete yet.
    private long _passing = ConnectionPreface;
    private byte[] _kept = [];

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_kept.Length == 0)
        {
            // Nearly every write: whole frames without anything to split.
            ReadOnlySpan<byte> span = buffer.Span;
            if (Scan(span, out int clean) && clean == span.Length)
            {
                return inner.WriteAsync(buffer, cancellationToken);
            }
            return WriteSlowlyAsync(buffer.ToArray(), clean, cancellationToken);
        }
        return WriteSlowlyAsync([.. _kept, .. buffer.Span], 0, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }
        base.Dispose(disposing);
    }

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask WriteSlowlyAsync(byte[] bytes, int clean, CancellationToken cancellationToken)
    {
        MemoryStream output = new(bytes.Length + 256);
        int position = clean;
        output.Write(bytes, 0, clean);
        while (position < bytes.Length)
        {
            if (Scan(bytes.AsSpan(position), out int more))
            {
                output.Write(bytes, position, more);
                position += more;
                break;
            }
            output.Write(bytes, position, more);
            position += more;
            int length = HeaderBlockFrames(bytes.AsSpan(position));
            if (length < 0)
            {
                break;
            }
            Rewrite(bytes.AsSpan(position, length), output);
            position += length;
        }
        _kept = bytes[position..];
        if (output.Length > 0)
        {
            await inner.WriteAsync(output.GetBuffer().AsMemory(0, (int)output.Length), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Tells how many bytes can pass as they are; false when what follows them is a header block that has a separator in it.
    /// True with fewer bytes than given: the rest is the beginning of a frame whose end is still to come.
    /// </summary>
    private bool Scan(ReadOnlySpan<byte> span, out int clean)
    {
        clean = 0;
        while (clean < span.Length)
        {
            if (_passing > 0)
            {
                int pass = (int)Math.Min(_passing, span.Length - clean);
                clean += pass;
                _passing -= pass;
                continue;
            }
            ReadOnlySpan<byte> rest = span[clean..];
            if (rest.Length < FrameHeader)
            {
                return true;
            }
            int payload = (int)(BinaryPrimitives.ReadUInt32BigEndian(rest) >> 8);
            if (rest[3] != HeadersFrame)
            {
                _passing = FrameHeader + (long)payload;
                continue;
            }
            int block = HeaderBlockFrames(rest);
            if (block < 0)
            {
                return true;
            }
            if (rest[..block].Contains(Separator))
            {
                return false;
            }
            _passing = block;
        }
        return true;
    }

    /// <summary>The length of a HEADERS frame with its CONTINUATION frames, or -1 when they are not all there.</summary>
    private static int HeaderBlockFrames(ReadOnlySpan<byte> span)
    {
        int position = 0;
        while (span.Length - position >= FrameHeader)
        {
            int payload = (int)(BinaryPrimitives.ReadUInt32BigEndian(span[position..]) >> 8);
            bool last = (span[position + 4] & EndHeadersFlag) != 0;
            position += FrameHeader + payload;
            if (position > span.Length)
            {
                return -1;
            }
            if (last)
            {
                return position;
            }
        }
        return -1;
    }

    private static void Rewrite(ReadOnlySpan<byte> frames, MemoryStream output)
    {
        byte flags = frames[4];
        ReadOnlySpan<byte> stream = frames.Slice(5, 4);
        if ((flags & PaddedAndPriorityFlags) != 0)
        {
            throw new NotSupportedException("The HTTP/2 client padded a header block, which cannot be split.");
        }
        MemoryStream joined = new();
        for (int position = 0; position < frames.Length;)
        {
            int payload = (int)(BinaryPrimitives.ReadUInt32BigEndian(frames[position..]) >> 8);
            joined.Write(frames.Slice(position + FrameHeader, payload));
            position += FrameHeader + payload;
        }
        ReadOnlySpan<byte> block = HeaderBlockSplitter.Split(joined.GetBuffer().AsSpan(0, (int)joined.Length));
        Span<byte> header = stackalloc byte[FrameHeader];
        byte type = HeadersFrame;
        do
        {
            int payload = Math.Min(block.Length, LargestFrame);
            BinaryPrimitives.WriteUInt32BigEndian(header, (uint)payload << 8);
            header[3] = type;
            header[4] = (byte)((type == HeadersFrame ? flags & EndStreamFlag : 0) | (payload == block.Length ? EndHeadersFlag : 0));
            stream.CopyTo(header[5..]);
            output.Write(header);
            output.Write(block[..payload]);
            block = block[payload..];
            type = ContinuationFrame;
        }
        while (block.Length > 0);
    }
}
