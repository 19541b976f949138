using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Host.Accounts;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// One run at a time: a lock the kernel drops with the process that holds it, however that ends. Whoever can open a file can lock it (flock(2)),
/// so it lies in a folder that nobody else enters.
/// </summary>
internal sealed class HostLock : IDisposable
{
    /// <summary>The lock of those who change the host as root.</summary>
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

    /// <summary>Takes the lock, waiting for another run to end.</summary>
    /// <param name="patience">How long to wait.</param>
    /// <param name="tell">Told once, when another run holds it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <param name="path">The lock's file, in a folder of its own.</param>
    /// <param name="remove">The file and its folder go with the lock: they are not in a place that a boot empties.</param>
    /// <exception cref="HostException">The other run did not end in time, or the folder is somebody else's.</exception>
    public static HostLock Take(TimeSpan patience, Action<string> tell, CancellationToken cancellationToken, string path = LockPath, bool remove = false)
    {
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
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
                    // Who had it before may have removed it: then this is one that nobody else will find.
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
                    tell($"{holder} is changing this host; waiting until it is done.");
                    told = true;
                }

                if (Environment.TickCount64 > deadline)
                {
                    throw new HostException(
                        HostErrorKind.Busy,
                        $"{holder} is changing this host and was not done after {patience.TotalSeconds:0} s.",
                        "Wait for it to end and run it again.",
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

    /// <summary>Lets the next run in.</summary>
    public void Dispose()
    {
        if (_remove is not null)
        {
            // While it is held: the next one sees that the name is gone, and makes a new file.
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
            throw new HostException(HostErrorKind.Conflict, $"The folder of the lock '{path}' is {AccountDatabase.UserName(status.Uid)}'s.", $"Look who made '{Path.GetDirectoryName(path)}', and remove it.", path);
        }

        // Whatever it was, nobody else opens a new lock from here on.
        if ((status.Mode & 0x3f) != 0 && LinuxCalls.ChangeMode(DirectoryWalk.Number(folder), OwnerOnly) != 0)
        {
            throw LinuxCalls.Failure("Cannot close the folder of", path, LinuxCalls.LastError);
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
