using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Host.Posix;

/// <summary>
/// Connects to a unix socket as somebody else, with the kernel itself as the judge. On Linux credentials belong to a thread:
/// the raw system calls change only the calling one (glibc's wrappers would change them all). A thread of its own takes the
/// groups and the file-system user and group of the identity, which also drops its power to pass over file permissions
/// (capabilities(7), "effect of user ID changes"), connects, and ends. What this proves: the directories on the way and the
/// socket let that identity in. What it does not: a mandatory policy (AppArmor, SELinux) that confines that identity's programs.
/// </summary>
internal static class IdentityThread
{
    /// <summary>Connects, as the identity, and gives the socket. Needs root unless the identity is the caller's own.</summary>
    /// <exception cref="SocketException">The kernel's answer: AccessDenied, ConnectionRefused, AddressNotAvailable (no such file).</exception>
    public static Socket Connect(string socketPath, Identity who) => Run(who, () => Connect(socketPath));

    /// <summary>Does something with the file system as the identity, on a thread of its own. Needs root unless the identity is the caller's own.</summary>
    public static T Run<T>(Identity who, Func<T> work)
    {
        var result = default(T);
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Become(who);
                result = work();
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error);
            }
        })
        {
            IsBackground = true,
            Name = "act as another",
        };

        // Never a pool thread: it must not go back to other work with these credentials.
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    /// <summary>Connects as the caller.</summary>
    public static Socket Connect(string socketPath)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Become(Identity who)
    {
        var (setGroups, setFsUid, setFsGid) = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => (116, 122, 123),
            Architecture.Arm64 => (159, 151, 152),
            var other => throw new HostException(HostErrorKind.Unsupported, $"Looking as somebody else is not known on {other}."),
        };
        var groups = who.Groups.ToArray();
        if (syscall(setGroups, groups.Length, groups) != 0)
        {
            throw new HostException(
                HostErrorKind.NotRoot,
                $"Looking as somebody else needs root: {Marshal.GetLastPInvokeErrorMessage()}",
                "Run it as root (sudo).");
        }

        // These two report no errors; asking with an impossible id gives the one in force.
        _ = syscall(setFsGid, (nint)who.Gid, null);
        _ = syscall(setFsUid, (nint)who.Uid, null);
        if ((uint)syscall(setFsGid, -1, null) != who.Gid || (uint)syscall(setFsUid, -1, null) != who.Uid)
        {
            throw new HostException(HostErrorKind.NotRoot, "Looking as somebody else needs root.", "Run it as root (sudo).");
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, nint first, uint[]? second);
}
