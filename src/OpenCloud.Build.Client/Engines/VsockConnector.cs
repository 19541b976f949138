using System.Net.Sockets;
using OpenCloud.Build.Client.Engines.Vsock;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Connects over AF_VSOCK. .NET lacks this family, but adopts its sockets: a system call creates the socket, and .NET does the rest
/// (connecting, canceling, reading, closing), with an end point that supplies its own bytes.
/// </summary>
internal sealed class VsockConnector(EngineAddress address) : IEngineConnector
{
    public EngineAddress Address { get; } = address;

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int descriptor = LinuxCalls.StreamSocketOf(VsockEndPoint.Family);
        if (descriptor < 0)
        {
            throw Explain(Address, LinuxCalls.LastError, opened: false, null);
        }

        Socket connecting = new(new SafeSocketHandle(descriptor, ownsHandle: true));
        try
        {
            await connecting.ConnectAsync(new VsockEndPoint(Address.ContextId!.Value, Address.Port), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(connecting, ownsSocket: true);
        }
        catch (SocketException e)
        {
            connecting.Dispose();
            throw Explain(Address, e.NativeErrorCode, opened: true, e);
        }
        catch
        {
            connecting.Dispose();
            throw;
        }
    }

    /// <summary>Explains an errno of opening the socket or connecting it. Pure, so that it can be tested on machines without AF_VSOCK.</summary>
    internal static EngineConnectException Explain(EngineAddress address, int error, bool opened, Exception? inner)
    {
        string who = VsockAddress.Peer(address);
        (EngineConnectReason reason, string why) = error switch
        {
            LinuxCalls.NotPermitted or LinuxCalls.AccessDenied => (EngineConnectReason.PermissionDenied, "this process is not allowed to use AF_VSOCK: a seccomp profile or a security module denies it"),
            _ when !opened => (EngineConnectReason.VsockUnavailable, $"this machine does not support AF_VSOCK ({Message(error)})"),
            LinuxCalls.ConnectionReset or LinuxCalls.ConnectionRefused => (EngineConnectReason.Refused, $"no process on {who} listens on port {address.Port}"),
            LinuxCalls.NoSuchDevice or LinuxCalls.NetworkUnreachable or LinuxCalls.HostUnreachable or LinuxCalls.AddressNotAvailable => (EngineConnectReason.GuestNotFound, Nobody(address.ContextId)),
            LinuxCalls.TimedOut => (EngineConnectReason.Timeout, $"{who} does not answer; possibly the context id does not exist"),
            LinuxCalls.FamilyNotSupported => (EngineConnectReason.VsockUnavailable, $"this machine does not support AF_VSOCK ({Message(error)})"),
            _ => (EngineConnectReason.Other, Message(error)),
        };
        return new EngineConnectException(reason, address, $"Cannot connect to {address}: {why}.", inner);
    }

    private static string Nobody(uint? id) => id switch
    {
        1 => "this kernel does not support vsock loopback (module vsock_loopback)",
        2 => "this machine has no vsock to a host: it is not a virtual machine, or it has no vsock device",
        _ => $"no virtual machine on this host has the context id {id}, or the module vhost_vsock is not loaded",
    };

    private static string Message(int error) => LinuxCalls.Describe(error);
}
