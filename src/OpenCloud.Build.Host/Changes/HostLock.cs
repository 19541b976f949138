using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Host.Accounts;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// Permits one run at a time: a file lock that the kernel releases when its process ends in any way. Everybody who can open a file can lock
/// it (flock(2)), so it lies in a folder that nobody else can enter.
/// </summary>
internal sealed class HostLock : IDisposable
{
    /// <summary>The lock of runs that change the host as root.</summary>
    public const string LockPath = "/run/opencloud.build/lock";

    private const uint OwnerOnly = 0x1C0;
    private const uint Closed = 0x180;

    private readonly SafeFileHandle _file;
    private readonly string? _remove;

    private HostLock(SafeFileHandle file, string? remove)
    {
        _file = file;
        _remove = remove;
    }

    /// <summary>
    /// Takes the lock and waits for another run to end. report is called once when another run holds it. remove: the file and its folder are
    /// removed with the lock, because they are in a place that a boot does not empty.
    /// </summary>
    /// <exception cref="HostException">The other run did not end in time, or the folder belongs to somebody else.</exception>
    public static HostLock Take(TimeSpan timeout, Action<string> report, CancellationToken cancellationToken, string path = LockPath, bool remove = false)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        bool told = false;
        while (true)
        {
            SafeFileHandle? file = Open(path);
            try
            {
                const int ExclusiveWithoutWaiting = 2 | 4;
                int descriptor = DirectoryWalk.Number(file);
                if (LinuxCalls.Lock(descriptor, ExclusiveWithoutWaiting) == 0)
                {
                    // The previous holder may have removed the file: then this lock is on a file that no other run will find.
                    if (FileStatus.Read(path) is { } there && there == FileStatus.Of(DirectoryWalk.StatusOf(file, path)))
                    {
                        _ = LinuxCalls.Truncate(descriptor, 0);
                        _ = LinuxCalls.TryWrite(descriptor, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
                        HostLock taken = new(file, remove ? path : null);
                        file = null;
                        return taken;
                    }

                    continue;
                }

                if (LinuxCalls.LastError is var error and not (LinuxCalls.TryAgain or LinuxCalls.Interrupted))
                {
                    throw LinuxCalls.Failure("Cannot lock", path, error);
                }

                string holder = HolderIn(file, path);
                if (!told)
                {
                    report($"{holder} is changing this host; waiting for it to end.");
                    told = true;
                }

                if (Environment.TickCount64 > deadline)
                {
                    throw new HostException(
                        HostErrorKind.Busy,
                        $"{holder} is changing this host and did not end within {timeout.TotalSeconds:0} s.",
                        "Wait for it to end and run the command again.",
                        path);
                }
            }
            finally
            {
                file?.Dispose();
            }

            cancellationToken.WaitHandle.WaitOne(200);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public void Dispose()
    {
        if (_remove is not null)
        {
            // Removed while the lock is held: the next run sees that the name is gone, and creates a new file.
            WholeFile.Remove(_remove);
            TreeRemoval.RemoveIfEmpty(Path.GetDirectoryName(_remove)!);
        }

        _file.Dispose();
    }

    private static SafeFileHandle Open(string path)
    {
        using SafeFileHandle above = DirectoryWalk.OpenParent(Path.GetDirectoryName(path)!, out byte[]? folderName);
        _ = LinuxCalls.MakeDirectory(DirectoryWalk.Number(above), folderName, OwnerOnly);
        using SafeFileHandle folder = Opened(DirectoryWalk.Number(above), folderName, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly, path);
        LinuxStat status = DirectoryWalk.StatusOf(folder, path);
        if (status.Uid != LinuxCalls.EffectiveUserId)
        {
            throw new HostException(HostErrorKind.Conflict, $"The directory of the lock '{path}' belongs to {AccountDatabase.UserName(status.Uid)}.", $"Find out who created '{Path.GetDirectoryName(path)}', and remove it.", path);
        }

        // Whatever its mode was, nobody else can open a new lock from here on.
        if ((status.Mode & 0x3f) != 0 && LinuxCalls.ChangeMode(DirectoryWalk.Number(folder), OwnerOnly) != 0)
        {
            throw LinuxCalls.Failure("Cannot restrict access to the directory of", path, LinuxCalls.LastError);
        }

        return Opened(DirectoryWalk.Number(folder), DirectoryWalk.Terminated(Path.GetFileName(path)), LinuxCalls.ReadWrite | LinuxCalls.Create, path);
    }

    private static SafeFileHandle Opened(int folder, byte[] name, int flags, string path)
    {
        int descriptor = LinuxCalls.Open(folder, name, flags | LinuxCalls.NoFollow | LinuxCalls.NonBlocking, Closed);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw LinuxCalls.Failure("Cannot open the lock", path, LinuxCalls.LastError);
    }

    private static string HolderIn(SafeFileHandle file, string path)
        => BoundedFile.ReadAll(file, path, 64, CancellationToken.None) is { Length: > 0 } text ? $"Process {Encoding.ASCII.GetString(text)}" : "Another process";
}
