using System.Net.Sockets;
using System.Runtime.ExceptionServices;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Connects to a unix socket as another identity, so that the kernel itself decides. On Linux credentials belong to a thread:
/// the raw system calls change only the calling one (glibc's wrappers change them all). A new thread takes the groups and the
/// file-system user and group of the identity, which also drops the capabilities that override file permissions
/// (capabilities(7), "effect of user ID changes"), connects, and ends. Success proves that the directories on the path and the
/// socket admit the identity. It proves nothing about a mandatory policy (AppArmor, SELinux) that confines the identity's programs.
/// </summary>
internal static class IdentityThread
{
    /// <summary>Connects as the identity and returns the socket. Needs root unless the identity is the caller's own.</summary>
    /// <exception cref="SocketException">
    /// The kernel's error: AccessDenied, ConnectionRefused, AddressNotAvailable (no such file), TimedOut (nobody accepts).
    /// </exception>
    public static Socket Connect(string socketPath, Identity who, CancellationToken cancellationToken = default)
        => Run(who, () => UnixSocket.Connect(socketPath, UnixSocket.DefaultTimeout, cancellationToken));

    /// <summary>Runs file system work as the identity, on a new thread. Needs root unless the identity is the caller's own.</summary>
    /// <remarks>The work runs to its end on that thread. A continuation after an await would run elsewhere, with the caller's credentials.</remarks>
    /// <exception cref="ArgumentException">The work returns a task, which would continue as the caller.</exception>
    public static T Run<T>(Identity who, Func<T> work)
    {
        if (typeof(T).IsAssignableTo(typeof(Task)) || typeof(T) == typeof(ValueTask) || (typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(ValueTask<>)))
        {
            throw new ArgumentException("An action as another user must end on its thread.", nameof(work));
        }

        T? result = default(T);
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
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

        // Never a pool thread: it must not return to other work with these credentials.
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    private static void Become(Identity who)
    {
        if (!LinuxCalls.KnowsThreadCredentials)
        {
            throw new PlatformNotSupportedException("Acting as another user is not supported on this processor.");
        }

        if (!LinuxCalls.TrySetThreadGroups([.. who.Groups]) || !LinuxCalls.TrySetThreadFileSystemIds(who.Uid, who.Gid))
        {
            throw new UnauthorizedAccessException("Acting as another user requires root.");
        }
    }
}
