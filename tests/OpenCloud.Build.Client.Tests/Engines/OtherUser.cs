using System.Runtime.InteropServices;

namespace OpenCloud.Build.Client.Tests.Engines;

/// <summary>Runs something as the user nobody, without the groups of root. On Linux these belong to a thread; the C library only hides it.</summary>
internal static partial class OtherUser
{
    private const int Nobody = 65534;

    public static T Run<T>(Func<T> action)
    {
        (nint setGroups, nint setResGid, nint setResUid) = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (159, 149, 147) : ((nint)116, 119, 117);
        T result = default!;
        Exception? error = null;
        Thread thread = new(() =>
        {
            try
            {
                // The thread ends with this, so nothing is put back.
                if (syscall(setGroups, 0, 0, 0) != 0 || syscall(setResGid, Nobody, Nobody, Nobody) != 0 || syscall(setResUid, Nobody, Nobody, Nobody) != 0)
                {
                    throw new InvalidOperationException("The thread cannot change its user.");
                }

                result = action();
            }
            catch (Exception e)
            {
                error = e;
            }
        });
        thread.Start();
        thread.Join();
        return error is null ? result : throw new InvalidOperationException(error.Message, error);
    }

    [LibraryImport("libc")]
    private static partial nint syscall(nint number, nint first, nint second, nint third);
}
