using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// Checks the first bytes from an engine: a peer that does not begin with SETTINGS (RFC 9113, 3.4) speaks another protocol, and
/// the HTTP/2 error would not say which. All other data passes unchanged.
/// </summary>
internal sealed class GreetingStream(Stream inner, Action? onGreeting = null) : ConnectionStream, IInterruptibleReader
{
    private const int LongestGreeting = 60;
    private const byte SettingsFrame = 4;

    private byte[]? _greeting = [];
    private bool _isAlert;

    /// <summary>The peer's first bytes when they were not HTTP/2; null otherwise.</summary>
    public string? ForeignGreeting { get; private set; }

    /// <summary>The error for a peer that is not an engine, or that ended TLS with an alert; null for any other.</summary>
    public EngineConnectException? Explain(Exception error, EngineAddress engine)
    {
        if (ForeignGreeting is not { } greeting)
        {
            return FindTls(error) is { } tls ? EngineConnectException.From(tls, engine)
                : error is not OperationCanceledException && _greeting is { Length: 0 } && engine.Host is not null && inner is not TlsStream
                ? Closed(error, engine)
                : null;
        }

        if (_isAlert)
        {
            return Closed(error, engine);
        }

        bool isHttp1 = greeting.StartsWith("HTTP/1", StringComparison.Ordinal);
        string hint = isHttp1 && engine is { Scheme: "unix", Path: { } socket } ? $" If it is the socket of a Docker Engine, use docker://{socket}." : "";
        return new EngineConnectException(
            EngineConnectReason.NotAnEngine,
            engine,
            $"{engine} is not BuildKit: {(isHttp1 ? "it speaks HTTP/1" : $"it starts with '{greeting}'")}.{hint}",
            error);
    }

    public bool TryInterruptRead() => inner is IInterruptibleReader reader && reader.TryInterruptRead();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _greeting is null ? inner.ReadAsync(buffer, cancellationToken) : ReadGreetingAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    // An engine that expects TLS answers anything else with an alert, or not at all.
    private static EngineConnectException Closed(Exception error, EngineAddress engine) => new(
        EngineConnectReason.NotAnEngine,
        engine,
        $"{engine} closed the connection without an answer. If it is an engine with TLS, a CA certificate and a client certificate are required.",
        error);

    private static TlsException? FindTls(Exception? error)
    {
        while (error is not (null or TlsException))
        {
            error = error.InnerException;
        }

        return (TlsException?)error;
    }

    private async ValueTask<int> ReadGreetingAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        byte[] greeting = [.. _greeting!, .. buffer.Span[..Math.Min(read, LongestGreeting)]];
        // A SETTINGS frame: three bytes of length, the first of which is 0 in any frame that was not negotiated, and its type.
        if (greeting.Length > 0 && (greeting[0] != 0 || (greeting.Length > 3 && greeting[3] != SettingsFrame)))
        {
            _isAlert = greeting[0] == TlsAlert.AlertRecord;
            ForeignGreeting = string.Concat(greeting.TakeWhile(static b => b is not (byte)'\r' and not (byte)'\n').Select(static b => b is >= 0x20 and < 0x7f ? (char)b : '?'));
            throw new InvalidDataException("The peer does not speak HTTP/2.");
        }

        _greeting = greeting.Length > 3 ? null : greeting;
        if (_greeting is null)
        {
            onGreeting?.Invoke();
        }

        return read;
    }
}
