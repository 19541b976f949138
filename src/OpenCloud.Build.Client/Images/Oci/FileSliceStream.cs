using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>A part of a file as a stream. It reads at offsets, so that many streams can share one handle, which stays open.</summary>
internal sealed class FileSliceStream(SafeFileHandle handle, long offset, long length) : ForwardReadStream
{
    private long _position;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int wanted = (int)Math.Min(buffer.Length, length - _position);
        if (wanted == 0)
        {
            return 0;
        }

        int read = RandomAccess.Read(handle, buffer[..wanted], offset + _position);
        return Advance(read);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int wanted = (int)Math.Min(buffer.Length, length - _position);
        if (wanted == 0)
        {
            return 0;
        }

        return Advance(await RandomAccess.ReadAsync(handle, buffer[..wanted], offset + _position, cancellationToken).ConfigureAwait(false));
    }

    private int Advance(int read)
    {
        if (read == 0)
        {
            throw new EndOfStreamException("The file became shorter while it was read.");
        }

        _position += read;
        return read;
    }
}
