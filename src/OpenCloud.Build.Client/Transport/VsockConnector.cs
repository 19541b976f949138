using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Client.Transport;

/// <summary>
/// Connects over AF_VSOCK. .NET has no such family, but adopts a socket of one: the system call makes it, and everything after
/// that (connecting, cancelling, reading, closing) is .NET's own, with an end point that brings its own bytes.
/// </summary>
internal sealed partial class VsockConnector(EngineAddress address) : IEngineConnector
{
    private const int Stream = 1;
    private const int CloseOnExec = 0x80000; // SOCK_CLOEXEC: the same on every architecture .NET runs Linux on

    // errno-base.h and errno.h, the generic numbers.
    private const int NotPermitted = 1;
    private const int AccessDenied = 13;
    private const int NoSuchDevice = 19;
    private const int FamilyNotSupported = 97;
    private const int AddressNotAvailable = 99;
    private const int NetworkUnreachable = 101;
    private const int ConnectionReset = 104;
    private const int TimedOut = 110;
    private const int ConnectionRefused = 111;
    private const int HostUnreachable = 113;

    public EngineAddress Address { get; } = address;

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int descriptor = socket(VsockEndPoint.Family, Stream | CloseOnExec, 0);
        if (descriptor < 0)
        {
            throw Explain(Address, Marshal.GetLastPInvokeError(), opened: false, null);
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

    /// <summary>What an errno means here. Pure, so that it is tested where no such socket may be opened.</summary>
    /// <param name="address">What was connected to.</param>
    /// <param name="error">The errno.</param>
    /// <param name="opened">True when there was a socket, and connecting it failed.</param>
    /// <param name="inner">The error beneath.</param>
    internal static EngineConnectException Explain(EngineAddress address, int error, bool opened, Exception? inner)
    {
        string who = address.ContextId switch
        {
            1 => "this machine",
            2 => "the host of this virtual machine",
            var id => $"the virtual machine {id}",
        };
        (EngineConnectReason reason, string why) = error switch
        {
            NotPermitted or AccessDenied => (EngineConnectReason.PermissionDenied, "this process may not use AF_VSOCK; a container's seccomp profile or a security module forbids it"),
            _ when !opened => (EngineConnectReason.VsockUnavailable, $"this machine has no AF_VSOCK ({Message(error)})"),
            ConnectionReset or ConnectionRefused => (EngineConnectReason.Refused, $"nothing on {who} listens on port {address.Port}"),
            NoSuchDevice or NetworkUnreachable or HostUnreachable or AddressNotAvailable => (EngineConnectReason.GuestNotFound, Nobody(address.ContextId)),
            TimedOut => (EngineConnectReason.Timeout, $"{who} does not answer; there may be none with that context id"),
            FamilyNotSupported => (EngineConnectReason.VsockUnavailable, $"this machine has no AF_VSOCK ({Message(error)})"),
            _ => (EngineConnectReason.Other, Message(error)),
        };
        return new EngineConnectException(reason, address, $"Cannot connect to {address}: {why}.", inner);
    }

    private static string Nobody(uint? id) => id switch
    {
        1 => "this kernel has no vsock loopback (module vsock_loopback)",
        2 => "this machine has no vsock to a host: it is no virtual machine, or its monitor gave it no such device",
        _ => $"no virtual machine here has the context id {id}, or this machine is none's host (module vhost_vsock)",
    };

    private static string Message(int error) => Marshal.GetPInvokeErrorMessage(error);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);
}
