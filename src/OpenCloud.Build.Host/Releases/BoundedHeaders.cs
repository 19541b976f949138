namespace OpenCloud.Build.Host.Releases;

/// <summary>
/// Limits the bytes of an archive's headers: the reader loads extension headers and long names into memory whole before it
/// returns an entry, and a few bytes of gzip expand to gigabytes of those. limit is in bytes.
/// </summary>
internal sealed class BoundedHeaders(Stream inner, int limit) : Stream
{
    private long? _left;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public T Header<T>(Func<T> read)
    {
        _left = limit;
        try
        {
            return read();
        }
        finally
        {
            _left = null;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        if (_left is not { } left)
        {
            return inner.Read(buffer);
        }

        if (left == 0)
        {
            throw new InvalidDataException($"one of its headers is larger than {limit >> 10} KiB");
        }

        int read = inner.Read(buffer[..(int)Math.Min(buffer.Length, left)]);
        _left = left - read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
