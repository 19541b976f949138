using System.Net;
using System.Net.Sockets;

namespace OpenCloud.Build.Client.Engines;

/// <summary>Connects to a unix socket or over plain TCP, and explains failures in the engine's terms.</summary>
internal sealed class SocketConnector(EngineAddress address, EngineConnectOptions? options = null) : IEngineConnector
{
    private const int KeepAliveSeconds = 30;

    public EngineAddress Address { get; } = address;

    /// <summary>Whether systemd listens on the unix socket, and starts the engine with the first connection, or that cannot be known.</summary>
    public bool StartsOnDemand { get; private set; }

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            if (Address.Path is { } path)
            {
                socket = await UnixSocket.ConnectAsync(path, UnixSocket.DefaultTimeout, cancellationToken).ConfigureAwait(false);
                Judge(socket, path);
            }
            else
            {
                socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
                await ConnectTcpAsync(socket, Address.Host!, (int)Address.Port, cancellationToken).ConfigureAwait(false);
            }

            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw Explain(e);
        }
        catch (OperationCanceledException e) when (Address.Path is null)
        {
            socket?.Dispose();
            throw new ConnectStalledException("did not accept a connection", e);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    // Before anything is sent: a process that replaced the engine's socket would receive the whole session, secrets included.
    private void Judge(Socket socket, string path)
    {
        if (options is null)
        {
            return;
        }

        PeerCredentials peer = PeerCredentials.Of(socket);
        StartsOnDemand = peer.Program is null or "systemd" or "init";
        switch (PeerJudgement.Of(path, peer))
        {
            case PeerTrust.Foreign:
                throw new EngineConnectException(
                    EngineConnectReason.UntrustedPeer,
                    Address,
                    $"Nothing was sent to {Address}: {UnixIdentity.UserName(peer.Uid) ?? peer.Uid.ToString(System.Globalization.CultureInfo.InvariantCulture)} ({peer.Program ?? "a process"}, {peer.Pid}) listens there, who is neither root nor the owner of the socket's directory.");
            case PeerTrust.Unproven:
                options.OnWarning?.Invoke($"The process that listens at {Address} is in another user namespace: it cannot be verified that it is the engine.");
                break;
            default:
                break;
        }
    }

    private static async Task ConnectTcpAsync(Socket socket, string host, int port, CancellationToken cancellationToken)
    {
        // "localhost" was allowed as this machine, so no resolver may map it to another one.
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            await socket.ConnectAsync([IPAddress.Loopback, IPAddress.IPv6Loopback], port, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
        }
    }

    internal EngineConnectException Explain(SocketException e)
    {
        EngineConnectReason reason = e.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => EngineConnectReason.Refused,
            SocketError.AccessDenied => EngineConnectReason.PermissionDenied,
            SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => EngineConnectReason.HostNotFound,
            SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown => EngineConnectReason.Unreachable,
            SocketError.TimedOut => EngineConnectReason.Timeout,
            _ => EngineConnectReason.Other,
        };
        if (Address.Path is not { } path)
        {
            string why = reason switch
            {
                EngineConnectReason.Refused => "no process accepts connections there",
                EngineConnectReason.HostNotFound => "the host's name cannot be resolved",
                EngineConnectReason.Timeout => "the host does not answer",
                _ => e.Message,
            };
            return new EngineConnectException(reason, Address, $"Cannot connect to {Address}: {why}.", e);
        }

        switch (reason)
        {
            case EngineConnectReason.PermissionDenied:
                SocketAccess access = SocketAccess.Inspect(path);
                return new EngineConnectException(reason, Address, Describe(access), e) { Access = access };
            case EngineConnectReason.Refused when UnixIdentity.Stat(path) is { IsSocket: false }:
                return new EngineConnectException(EngineConnectReason.NotAnEngine, Address, $"Cannot connect to {Address}: {path} is not a socket.", e);
            case EngineConnectReason.Refused:
                return new EngineConnectException(reason, Address, $"Cannot connect to {Address}: the socket exists, but no process listens on it.", e);
            // .NET maps ENOENT to this code and has none for ENOTDIR. An engine that is starting may have created the socket by now.
            case EngineConnectReason.Other when e.SocketErrorCode == SocketError.AddressNotAvailable || !Path.Exists(path):
                return new EngineConnectException(EngineConnectReason.NotFound, Address, $"Cannot connect to {Address}: the socket does not exist.", e);
            default:
                return new EngineConnectException(reason, Address, $"Cannot connect to {Address}: {e.Message}.", e);
        }
    }

    private static string Describe(SocketAccess access)
    {
        string rights = access.Mode is { } mode
            ? $" ({access.Owner}:{access.Group}, mode {Convert.ToString((int)mode, 8).PadLeft(4, '0')})"
            : "";
        string what = access.ClosedDirectory is { } directory
            ? $"the user {access.User} has no access to the directory {directory}{rights}"
            : $"the user {access.User} has no access to the socket{rights}";
        string login = access.NeedsNewLogin
            ? $" {access.User} is a member of {access.Group}, but this process started before that: log in again, or restart the service."
            : "";
        return $"Cannot connect to unix socket {access.SocketPath}: {what}.{login}";
    }
}
