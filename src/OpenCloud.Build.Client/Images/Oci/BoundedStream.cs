namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Reads another stream, which it disposes of, and fails when it exceeds a bound in bytes.</summary>
internal sealed class BoundedStream(Stream inner, long most, Func<Exception> tooLong) : ForwardReadStream
{
    private long _left = most;

    public override int Read(byte[] buffer, int offset, int count) => Count(inner.Read(buffer, offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Count(int read) => (_left -= read) < 0 ? throw tooLong() : read;
}
