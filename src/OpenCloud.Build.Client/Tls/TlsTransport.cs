using System.Net.Sockets;
using OpenCloud.Build.Client.Streams;

namespace OpenCloud.Build.Client.Tls;

/// <summary>
/// The stream below TLS: a socket, which can be replaced by one whose calls block while nobody reads or writes. It remembers the first bytes
/// of the peer, which explain a failed handshake.
/// </summary>
internal sealed class TlsTransport(Stream socket) : ConnectionStream
{
    private const int Remembered = 32;

    private readonly byte[] _first = new byte[Remembered];
    private int _count;
    private volatile Stream _current = socket;

    public ReadOnlySpan<byte> First => _first.AsSpan(0, _count);

    /// <summary>From now on, calls block the calling thread. Only while there is neither a read nor a write.</summary>
    public void Block(WorkQueue work)
    {
        if (_current is NetworkStream network)
        {
            _current = new BlockingSocketStream(network, work);
        }
    }

    public bool TryInterruptRead() => _current is IInterruptibleReader reader && reader.TryInterruptRead();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _count == Remembered ? _current.ReadAsync(buffer, cancellationToken) : ReadFirstAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _current.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => _current.FlushAsync(cancellationToken);

    public override ValueTask DisposeAsync() => _current.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _current.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadFirstAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int read = await _current.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        int kept = Math.Min(read, Remembered - _count);
        buffer.Span[..kept].CopyTo(_first.AsSpan(_count));
        _count += kept;
        return read;
    }
}
