using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Containerd.Content;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>The answers of Content.Read as a stream; disposing of it ends the call.</summary>
internal sealed class ContentReadStream(AsyncServerStreamingCall<ReadContentResponse> call) : Stream
{
    private ReadOnlyMemory<byte> _data;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        while (_data.IsEmpty)
        {
            if (!await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
            {
                return 0;
            }

            _data = call.ResponseStream.Current.Data.Memory;
        }

        int given = Math.Min(buffer.Length, _data.Length);
        _data[..given].CopyTo(buffer);
        _data = _data[given..];
        return given;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            call.Dispose();
        }

        base.Dispose(disposing);
    }
}
