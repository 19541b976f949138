using System.Net.Security;
using System.Security.Authentication;
using OpenCloud.Build.Client.Streams;

namespace OpenCloud.Build.Client.Tls;

/// <summary>
/// A connection protected by TLS. On the threads of a session its reads and writes block, as those of a socket do there
/// (<see cref="BlockingSocketStream"/>): then the TLS library's own tasks complete at once.
/// </summary>
/// <remarks>One reader and one writer at a time. No close_notify is sent at the end: HTTP/2 has its own ends of messages.</remarks>
internal sealed class TlsStream(SslStream tls, TlsTransport transport, Func<string>? clientFacts) : ConnectionStream, IInterruptibleReader
{
    private volatile bool _interrupted;

    /// <summary>From now on, calls block the calling thread. Only while there is neither a read nor a write.</summary>
    public void Block(WorkQueue work) => transport.Block(work);

    public bool TryInterruptRead()
    {
        // First: the read may end at once.
        _interrupted = true;
        return _interrupted = transport.TryInterruptRead();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ValueTask<int> read = tls.ReadAsync(buffer, cancellationToken);
        return read.IsCompletedSuccessfully ? read : ExplainAsync(read);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => tls.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => tls.FlushAsync(cancellationToken);

    public override ValueTask DisposeAsync() => tls.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            tls.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ExplainAsync(ValueTask<int> read)
    {
        try
        {
            return await read.ConfigureAwait(false);
        }
        catch (IOException) when (_interrupted)
        {
            // The interrupted read ended in the middle of a record.
            return 0;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            throw TlsAlert.OfAlert(e, default, clientFacts is not null, clientFacts?.Invoke() ?? "") ?? (e as IOException) ?? new IOException(e.Message, e);
        }
    }
}
