namespace OpenCloud.Build.Host.Releases;

/// <summary>
/// Limits the bytes of an archive's headers: the reader loads extension headers and long names into memory whole before it
/// returns an entry, and a few bytes of gzip expand to gigabytes of those. limit is in bytes.
/// </summary>
internal sealed class BoundedHeaders(Stream inner, int limit) : ForwardReadStream
{
    private long? _left;

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

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : ValueTask.FromResult(Read(buffer.Span));
}
