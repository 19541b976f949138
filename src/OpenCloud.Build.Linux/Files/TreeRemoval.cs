using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Removes a directory tree, each name relative to an open directory. It follows no link and enters no other file system or mount, whatever is
/// exchanged meanwhile. The depth of the tree costs neither stack nor descriptors.
/// </summary>
internal static class TreeRemoval
{
    // Deeper directories are first moved up to the top of the tree. A hostile tree can have any depth.
    private const int Deepest = 64;

    // A directory is listed in portions, because it may have any number of entries.
    private const int Portion = 4096;

    // A process that keeps writing into a directory would make the removal endless.
    private const int MostRounds = 1000;

    /// <summary>Removes the tree; a missing directory is no error. A link in its place is removed itself.</summary>
    /// <returns>False when <c>mayRemove</c>, called with the state of the opened directory, said no; then nothing is removed.</returns>
    /// <exception cref="IOException">A part of the tree could not be removed.</exception>
    public static bool Remove(string path, Func<LinuxStat, bool>? mayRemove = null, CancellationToken cancellationToken = default)
    {
        SafeFileHandle parent;
        byte[] name;
        try
        {
            parent = DirectoryWalk.OpenParent(path, out name);
        }
        catch (FileNotFoundException)
        {
            return true;
        }

        using (parent)
        {
            int folder = DirectoryWalk.Number(parent);
            int descriptor = LinuxCalls.Open(folder, name, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow | LinuxCalls.NonBlocking);
            if (descriptor < 0)
            {
                return LinuxCalls.LastError switch
                {
                    LinuxCalls.NoEntry => true,
                    LinuxCalls.NotADirectory or LinuxCalls.TooManyLinks when mayRemove is null => Unlink(folder, name, path),
                    LinuxCalls.NotADirectory or LinuxCalls.TooManyLinks => false,
                    var error => throw LinuxCalls.Failure("Cannot remove", path, error),
                };
            }

            using SafeFileHandle top = new(descriptor, ownsHandle: true);
            if (mayRemove?.Invoke(DirectoryWalk.StatusOf(top, path)) == false)
            {
                return false;
            }

            new Emptying(top, path, cancellationToken).Run();
            if (LinuxCalls.Unlink(folder, name, LinuxCalls.RemoveDirectoryFlag) != 0 && LinuxCalls.LastError is var last and not LinuxCalls.NoEntry)
            {
                throw LinuxCalls.Failure("Cannot remove", path, last);
            }

            return true;
        }
    }

    /// <summary>Removes an empty directory; false when it does not exist, is a link, or is not empty.</summary>
    public static bool RemoveIfEmpty(string path)
    {
        try
        {
            using SafeFileHandle parent = DirectoryWalk.OpenParent(path, out byte[] name);
            if (LinuxCalls.Unlink(DirectoryWalk.Number(parent), name, LinuxCalls.RemoveDirectoryFlag) == 0)
            {
                return true;
            }

            int error = LinuxCalls.LastError;
            return error is LinuxCalls.NoEntry or LinuxCalls.NotEmpty or LinuxCalls.NotADirectory or LinuxCalls.TooManyLinks or LinuxCalls.Exists
                ? false
                : throw LinuxCalls.Failure("Cannot remove", path, error);
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private static bool Unlink(int folder, byte[] name, string path)
        => LinuxCalls.Unlink(folder, name) == 0 || LinuxCalls.LastError == LinuxCalls.NoEntry ? true : throw LinuxCalls.Failure("Cannot remove", path, LinuxCalls.LastError);

    private sealed class Emptying(SafeFileHandle top, string path, CancellationToken cancellationToken)
    {
        private readonly ulong _device = DirectoryWalk.StatusOf(top, path).Device;
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _rounds;

        public void Run()
        {
            Stack<(SafeFileHandle Handle, byte[] Name, Queue<(byte[] Name, bool Directory)> Entries)> open = new();
            open.Push((top, [], List(top)));
            try
            {
                while (open.TryPeek(out (SafeFileHandle Handle, byte[] Name, Queue<(byte[] Name, bool Directory)> Entries) at))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (at.Entries.TryDequeue(out (byte[] Name, bool Directory) entry))
                    {
                        if (!entry.Directory && LinuxCalls.Unlink(DirectoryWalk.Number(at.Handle), entry.Name) == 0)
                        {
                            continue;
                        }

                        if (open.Count == Deepest)
                        {
                            MoveUp(at.Handle, entry.Name, open.Last().Entries);
                        }
                        else if (Enter(at.Handle, entry.Name) is { } child)
                        {
                            open.Push((child, entry.Name, List(child)));
                        }

                        continue;
                    }

                    // The next portion, and entries added since.
                    if (List(at.Handle) is { Count: > 0 } late)
                    {
                        if (late.Count < Portion && ++_rounds > MostRounds)
                        {
                            throw new IOException($"Another process keeps writing to '{path}' while it is removed.");
                        }

                        open.Pop();
                        open.Push((at.Handle, at.Name, late));
                        continue;
                    }

                    open.Pop();
                    if (open.TryPeek(out (SafeFileHandle Handle, byte[] Name, Queue<(byte[] Name, bool Directory)> Entries) above))
                    {
                        at.Handle.Dispose();
                        if (LinuxCalls.Unlink(DirectoryWalk.Number(above.Handle), at.Name, LinuxCalls.RemoveDirectoryFlag) != 0)
                        {
                            int error = LinuxCalls.LastError;
                            if (error == LinuxCalls.NotEmpty)
                            {
                                above.Entries.Enqueue((at.Name, true));
                                _rounds++;
                            }
                            else if (error != LinuxCalls.NoEntry)
                            {
                                throw Failed(at.Name, error);
                            }
                        }
                    }
                }
            }
            finally
            {
                foreach ((SafeFileHandle handle, _, _) in open)
                {
                    if (handle != top)
                    {
                        handle.Dispose();
                    }
                }
            }
        }

        private SafeFileHandle? Enter(SafeFileHandle parent, byte[] name)
        {
            int flags = LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly | LinuxCalls.NoFollow | LinuxCalls.NonBlocking;
            int descriptor = LinuxCalls.OpenBeneathOnMount(DirectoryWalk.Number(parent), name, flags);
            int error = descriptor < 0 ? LinuxCalls.LastError : 0;
            if (error is LinuxCalls.NoSystemCall or LinuxCalls.NotPermitted or LinuxCalls.TryAgain)
            {
                // A kernel or container without openat2: devices are compared below.
                descriptor = LinuxCalls.Open(DirectoryWalk.Number(parent), name, flags);
                error = descriptor < 0 ? LinuxCalls.LastError : 0;
            }

            switch (error)
            {
                case 0:
                    SafeFileHandle child = new(descriptor, ownsHandle: true);
                    if (DirectoryWalk.StatusOf(child, path).Device == _device)
                    {
                        return child;
                    }

                    child.Dispose();
                    throw Failed(name, LinuxCalls.CrossDevice);
                case LinuxCalls.NoEntry:
                    return null;
                case LinuxCalls.NotADirectory or LinuxCalls.TooManyLinks:
                    // It is not a directory, or no longer.
                    if (LinuxCalls.Unlink(DirectoryWalk.Number(parent), name) != 0 && LinuxCalls.LastError is var last and not LinuxCalls.NoEntry)
                    {
                        throw Failed(name, last);
                    }

                    return null;
                default:
                    throw Failed(name, error);
            }
        }

        private void MoveUp(SafeFileHandle parent, byte[] name, Queue<(byte[] Name, bool Directory)> later)
        {
            byte[] moved = DirectoryWalk.Terminated($".opencloud.build.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}");
            if (LinuxCalls.Rename(DirectoryWalk.Number(parent), name, DirectoryWalk.Number(top), moved) == 0)
            {
                later.Enqueue((moved, true));
            }
            else if (LinuxCalls.LastError is var error and not LinuxCalls.NoEntry)
            {
                throw Failed(name, error);
            }
        }

        private Queue<(byte[] Name, bool Directory)> List(SafeFileHandle directory)
        {
            const byte DirectoryType = 4;
            const byte UnknownType = 0;

            // A new descriptor reads from the beginning.
            int descriptor = LinuxCalls.Open(DirectoryWalk.Number(directory), ".\0"u8, LinuxCalls.ReadOnly | LinuxCalls.DirectoryOnly);
            if (descriptor < 0)
            {
                throw LinuxCalls.Failure("Cannot list", path, LinuxCalls.LastError);
            }

            using SafeFileHandle listing = new(descriptor, ownsHandle: true);
            Queue<(byte[], bool)> entries = new();
            int count = 0;
            while (entries.Count < Portion && (count = LinuxCalls.ReadDirectory(descriptor, _buffer)) > 0)
            {
                // struct linux_dirent64: inode, offset, the record's length, a type and the name, which ends with a zero byte.
                for (int at = 0; at < count; at += BitConverter.ToUInt16(_buffer, at + 16))
                {
                    ReadOnlySpan<byte> name = _buffer.AsSpan(at + 19);
                    name = name[..(name.IndexOf((byte)0) + 1)];
                    if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8))
                    {
                        entries.Enqueue((name.ToArray(), _buffer[at + 18] is DirectoryType or UnknownType));
                    }
                }
            }

            return count >= 0 ? entries : throw LinuxCalls.Failure("Cannot list", path, LinuxCalls.LastError);
        }

        private IOException Failed(byte[] name, int error) => new(
            error == LinuxCalls.CrossDevice
                ? $"'{Encoding.UTF8.GetString(name.AsSpan(..^1))}' in '{path}' is a mount point and is not removed."
                : $"'{Encoding.UTF8.GetString(name.AsSpan(..^1))}' in '{path}' cannot be removed: {LinuxCalls.Describe(error)}.",
            error);
    }
}
