using System.Net;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>A part of a stream, of known length, as the body of a request.</summary>
internal sealed class UploadContent(Stream content, long length) : HttpContent
{
    private const int BufferSize = 256 * 1024;

    public Action? OnProgress { get; set; }

    /// <summary>The error of reading the stream, as opposed to a connection error.</summary>
    public Exception? ReadError { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (long left = length; left > 0;)
            {
                int read = await ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken).ConfigureAwait(false);
                await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                left -= read;
                Report();
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length;
        return true;
    }

    private async Task<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            int read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            return read > 0 ? read : throw new EndOfStreamException("The blob is shorter than its descriptor says.");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            ReadError = e;
            throw;
        }
    }

    private void Report()
    {
        try
        {
            OnProgress?.Invoke();
        }
        catch (ObjectDisposedException)
        {
            // The registry answered before it got the whole body.
        }
    }
}
