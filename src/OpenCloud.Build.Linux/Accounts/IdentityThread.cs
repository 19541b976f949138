using System.Net.Sockets;
using System.Runtime.ExceptionServices;

namespace OpenCloud.Build.Linux;

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
    /// <exception cref="SocketException">The kernel's answer: AccessDenied, ConnectionRefused, AddressNotAvailable (no such file), TimedOut (nobody accepts).</exception>
    public static Socket Connect(string socketPath, Identity who, CancellationToken cancellationToken = default)
        => Run(who, () => UnixSocket.Connect(socketPath, UnixSocket.Patience, cancellationToken));

    /// <summary>Does something with the file system as the identity, on a thread of its own. Needs root unless the identity is the caller's own.</summary>
    /// <param name="who">Who.</param>
    /// <param name="work">What. It ends on this thread: what it would await would go on elsewhere, with the caller's own credentials.</param>
    /// <exception cref="ArgumentException">The work gives a task, which would go on as the caller.</exception>
    public static T Run<T>(Identity who, Func<T> work)
    {
        if (typeof(T).IsAssignableTo(typeof(Task)) || typeof(T) == typeof(ValueTask) || (typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(ValueTask<>)))
        {
            throw new ArgumentException("What is done as somebody else must end on its thread.", nameof(work));
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

        // Never a pool thread: it must not go back to other work with these credentials.
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    private static void Become(Identity who)
    {
        if (!LinuxCalls.KnowsThreadCredentials)
        {
            throw new PlatformNotSupportedException("Acting as somebody else is not known on this processor.");
        }

        if (!LinuxCalls.TrySetThreadGroups([.. who.Groups]) || !LinuxCalls.TrySetThreadFileSystemIds(who.Uid, who.Gid))
        {
            throw new UnauthorizedAccessException("Acting as somebody else needs root.");
        }
    }
}
