using System.Net.Sockets;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Connects to unix sockets. When nobody accepts and the backlog is full, connect(2) blocks without a limit and cannot be cancelled. A
/// non-blocking socket returns EAGAIN instead (unix(7)), so this class retries until the timeout or cancellation.
/// </summary>
internal static class UnixSocket
{
    /// <summary>The time a listener has to accept.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <exception cref="SocketException">The kernel's error; TimedOut when nobody accepted in time.</exception>
    public static Socket Connect(string path, TimeSpan patience, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryConnect(path, deadline) is { } socket)
            {
                return socket;
            }

            cancellationToken.WaitHandle.WaitOne(Pause);
        }
    }

    /// <summary>Connects without holding a thread while waiting.</summary>
    /// <exception cref="SocketException">The kernel's error; TimedOut when nobody accepted in time.</exception>
    public static async ValueTask<Socket> ConnectAsync(string path, TimeSpan patience, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryConnect(path, deadline) is { } socket)
            {
                return socket;
            }

            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    private static Socket? TryConnect(string path, long deadline)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            socket.Blocking = true;
            return socket;
        }
        catch (SocketException refused) when (refused.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain)
        {
            socket.Dispose();
            return Environment.TickCount64 < deadline ? null : throw new SocketException((int)SocketError.TimedOut);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
