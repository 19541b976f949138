using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Connects to a port of a virtual machine through the unix socket of its monitor: <c>CONNECT PORT\n</c> is answered by
/// <c>OK NUMBER\n</c> once the guest has accepted, and by the end of the stream when nothing listens (Firecracker,
/// docs/vsock.md, host-initiated connections; Cloud Hypervisor and vhost-device-vsock use the same protocol).
/// </summary>
internal sealed class HybridVsockConnector(EngineAddress address, TimeProvider clock) : IEngineConnector
{
    // "OK ", a 32-bit number, and room for a monitor with a longer answer.
    private const int LongestAnswer = 64;

    /// <summary>How long a guest may take to answer: the kernel's timeout for AF_VSOCK (VSOCK_DEFAULT_CONNECT_TIMEOUT).</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly SocketConnector _socket = new(address);

    public EngineAddress Address { get; } = address;

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        Stream stream = await _socket.ConnectAsync(cancellationToken).ConfigureAwait(false);
        return await GreetAsync(stream, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Requests the port on an open connection and returns that connection; closes it on failure.</summary>
    /// <exception cref="EngineConnectException">The port is not available.</exception>
    public async ValueTask<Stream> GreetAsync(Stream stream, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(Patience, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"CONNECT {Address.Port}\n")), either.Token).ConfigureAwait(false);
            Check(await ReadLineAsync(stream, either.Token).ConfigureAwait(false));
            return stream;
        }
        catch (Exception e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw e switch
            {
                EngineConnectException => e,
                // For a closed port a monitor ends or resets the stream.
                IOException => Error(EngineConnectReason.Refused, $"no process in the virtual machine listens on port {Address.Port}", e),
                OperationCanceledException stopped when cancellationToken.IsCancellationRequested =>
                    new ConnectStalledException($"accepted the connection, but did not connect it to port {Address.Port} of the virtual machine", stopped),
                OperationCanceledException =>
                    Error(EngineConnectReason.Timeout, $"the virtual machine behind the socket did not answer within {Patience.TotalSeconds:0} s", e),
                _ => e,
            };
        }
    }

    private static async ValueTask<string> ReadLineAsync(Stream stream, CancellationToken cancellationToken)
    {
        // Byte by byte: the bytes after the line are HTTP/2 and belong to its reader.
        byte[] line = new byte[LongestAnswer];
        for (int length = 0; length < line.Length; length++)
        {
            if (await stream.ReadAsync(line.AsMemory(length, 1), cancellationToken).ConfigureAwait(false) == 0)
            {
                return length == 0 ? throw new EndOfStreamException() : Encoding.ASCII.GetString(line, 0, length);
            }

            if (line[length] == '\n')
            {
                return Encoding.ASCII.GetString(line, 0, length + 1);
            }
        }

        return Encoding.ASCII.GetString(line);
    }

    private void Check(string line)
    {
        string trimmed = line.TrimEnd('\n', '\r');
        bool isOk = line.EndsWith('\n')
            && trimmed.StartsWith("OK ", StringComparison.Ordinal)
            && uint.TryParse(trimmed.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        if (!isOk)
        {
            string said = new([.. trimmed.Select(static c => char.IsControl(c) ? '?' : c)]);
            throw Error(EngineConnectReason.NotAnEngine, $"{Address.Path} is not the vsock of a virtual machine: it answered '{said}' instead of 'OK' and a number");
        }
    }

    private EngineConnectException Error(EngineConnectReason reason, string why, Exception? inner = null) =>
        new(reason, Address, $"Cannot connect to {Address}: {why}.", inner);
}
