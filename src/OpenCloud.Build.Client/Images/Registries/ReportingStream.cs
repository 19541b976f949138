namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Reads another stream, which it owns, and reports the bytes read.</summary>
internal sealed class ReportingStream(Stream inner, IProgress<long> progress) : ForwardReadStream
{
    public override long Length => inner.Length;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        progress.Report(read);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
