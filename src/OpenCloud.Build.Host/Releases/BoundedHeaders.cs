namespace OpenCloud.Build.Host.Releases;

/// <summary>
/// The bytes of an archive, so that its headers cannot be without end: the reader takes extension headers and long names into
/// memory whole before it gives an entry, and a few bytes of gzip are gigabytes of those.
/// </summary>
/// <param name="inner">The archive.</param>
/// <param name="limit">The most bytes a header may take.</param>
internal sealed class BoundedHeaders(Stream inner, int limit) : Stream
{
    private long? _left;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads a header, within the bound.</summary>
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

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (_left is not { } left)
        {
            return inner.Read(buffer);
        }

        if (left == 0)
        {
            throw new InvalidDataException($"a header of it is larger than {limit >> 10} KiB");
        }

        int read = inner.Read(buffer[..(int)Math.Min(buffer.Length, left)]);
        _left = left - read;
        return read;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
