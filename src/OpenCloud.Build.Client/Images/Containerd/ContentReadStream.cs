using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Containerd.Content;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>The answers of Content.Read as a stream; disposing of it ends the call.</summary>
internal sealed class ContentReadStream(AsyncServerStreamingCall<ReadContentResponse> call) : ForwardReadStream
{
    private ReadOnlyMemory<byte> _data;

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

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            call.Dispose();
        }

        base.Dispose(disposing);
    }
}
