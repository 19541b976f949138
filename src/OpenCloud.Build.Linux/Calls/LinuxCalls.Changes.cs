using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

/// <summary>The calls that change files, all relative to an open directory.</summary>
internal static unsafe partial class LinuxCalls
{
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int RemoveDirectoryFlag = 0x200;
    public const int PathOnly = 0x200000;

    private const nint RenameAt2OnGeneric = 276;

    private static readonly nint RenameAt2Number = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 316,
        Architecture.Arm or Architecture.Armv6 => 382,
        Architecture.X86 => 353,
        Architecture.Ppc64le => 357,
        Architecture.S390x => 347,
        _ => RenameAt2OnGeneric,
    };

    /// <summary>Opens a file, with a mode for a file that it creates.</summary>
    public static int Open(int directory, ReadOnlySpan<byte> terminatedPath, int flags, uint mode)
    {
        fixed (byte* path = terminatedPath)
        {
            int result;
            do
            {
                result = OpenAtMode(directory, path, flags | CloseOnExec, mode);
            }
            while (result < 0 && LastError == Interrupted);
            return result;
        }
    }

    public static bool TryWrite(int descriptor, ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            nint count;
            fixed (byte* start = content)
            {
                count = WriteDescriptor(descriptor, start, (nuint)content.Length);
            }

            if (count >= 0)
            {
                content = content[(int)count..];
            }
            else if (LastError != Interrupted)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Writes what the kernel accepts now and returns the number of bytes; negative on failure.</summary>
    public static int Write(int descriptor, ReadOnlySpan<byte> content)
    {
        nint count;
        fixed (byte* start = content)
        {
            do
            {
                count = WriteDescriptor(descriptor, start, (nuint)content.Length);
            }
            while (count < 0 && LastError == Interrupted);
        }

        return (int)count;
    }

    public static int MakeDirectory(int directory, ReadOnlySpan<byte> terminatedName, uint mode)
    {
        fixed (byte* name = terminatedName)
        {
            return MakeDirectoryAt(directory, name, mode);
        }
    }

    public static int MakeFifo(int directory, ReadOnlySpan<byte> terminatedName, uint mode)
    {
        fixed (byte* name = terminatedName)
        {
            return MakeFifoAt(directory, name, mode);
        }
    }

    public static int MakeSymlink(ReadOnlySpan<byte> terminatedTarget, int directory, ReadOnlySpan<byte> terminatedName)
    {
        fixed (byte* target = terminatedTarget)
        fixed (byte* name = terminatedName)
        {
            return SymlinkAt(target, directory, name);
        }
    }

    public static int MakeLink(int fromDirectory, ReadOnlySpan<byte> terminatedFrom, int toDirectory, ReadOnlySpan<byte> terminatedTo, int flags = 0)
    {
        fixed (byte* from = terminatedFrom)
        fixed (byte* to = terminatedTo)
        {
            return LinkAt(fromDirectory, from, toDirectory, to, flags);
        }
    }

    public static int Rename(int fromDirectory, ReadOnlySpan<byte> terminatedFrom, int toDirectory, ReadOnlySpan<byte> terminatedTo)
    {
        fixed (byte* from = terminatedFrom)
        fixed (byte* to = terminatedTo)
        {
            return RenameAt(fromDirectory, from, toDirectory, to);
        }
    }

    /// <summary>Renames; fails when the new name exists (<c>renameat2</c> with RENAME_NOREPLACE).</summary>
    public static int RenameNew(int fromDirectory, ReadOnlySpan<byte> terminatedFrom, int toDirectory, ReadOnlySpan<byte> terminatedTo)
    {
        const nint NoReplace = 1;
        fixed (byte* from = terminatedFrom)
        fixed (byte* to = terminatedTo)
        {
            return (int)SystemCall(RenameAt2Number, fromDirectory, (nint)from, toDirectory, (nint)to, NoReplace);
        }
    }

    /// <summary>Exchanges two names (<c>renameat2</c> with RENAME_EXCHANGE).</summary>
    public static int RenameExchange(int fromDirectory, ReadOnlySpan<byte> terminatedFrom, int toDirectory, ReadOnlySpan<byte> terminatedTo)
    {
        const nint Exchange = 2;
        fixed (byte* from = terminatedFrom)
        fixed (byte* to = terminatedTo)
        {
            return (int)SystemCall(RenameAt2Number, fromDirectory, (nint)from, toDirectory, (nint)to, Exchange);
        }
    }

    public static int Unlink(int directory, ReadOnlySpan<byte> terminatedName, int flags = 0)
    {
        fixed (byte* name = terminatedName)
        {
            return UnlinkAt(directory, name, flags);
        }
    }

    /// <summary>Changes owner and group of a name, or of the descriptor itself when the path is empty.</summary>
    public static int ChangeOwner(int directory, ReadOnlySpan<byte> terminatedName, uint uid, uint gid, int flags)
    {
        fixed (byte* name = terminatedName)
        {
            return ChangeOwnerAt(directory, name, uid, gid, flags);
        }
    }

    public static int SetAttribute(int descriptor, ReadOnlySpan<byte> terminatedName, ReadOnlySpan<byte> value)
    {
        fixed (byte* name = terminatedName)
        fixed (byte* start = value)
        {
            return SetExtendedAttribute(descriptor, name, start, (nuint)value.Length, 0);
        }
    }

    /// <summary>Sets the time of a name; does not follow a link.</summary>
    public static int SetTime(int directory, ReadOnlySpan<byte> terminatedName, long seconds, long nanoseconds)
    {
        TimeSpec* times = stackalloc TimeSpec[2];
        times[0] = new TimeSpec { Seconds = (nint)seconds, Nanoseconds = (nint)nanoseconds };
        times[1] = times[0];
        fixed (byte* name = terminatedName)
        {
            return SetTimesAt(directory, name, times, NoFollowLinks);
        }
    }

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(int descriptor, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Synchronize(int descriptor);

    /// <summary>Writes a whole file system to its disk, and reports write errors since the descriptor was opened (Linux 5.8).</summary>
    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SynchronizeFileSystem(int descriptor);

    /// <summary>Takes or releases a lock on the whole file (flock(2)): 2 is exclusive, 4 does not wait.</summary>
    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteDescriptor(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial int OpenAtMode(int directory, byte* path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int MakeDirectoryAt(int directory, byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "mkfifoat", SetLastError = true)]
    private static partial int MakeFifoAt(int directory, byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    private static partial int SymlinkAt(byte* target, int directory, byte* path);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    private static partial int LinkAt(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, int flags);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    private static partial int RenameAt(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int UnlinkAt(int directory, byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    private static partial int ChangeOwnerAt(int directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    private static partial int SetTimesAt(int directory, byte* path, TimeSpec* times, int flags);

    [LibraryImport("libc", EntryPoint = "fsetxattr", SetLastError = true)]
    private static partial int SetExtendedAttribute(int descriptor, byte* name, byte* value, nuint size, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
