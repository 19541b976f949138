using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

/// <summary>
/// All system calls of this project are in this class; this file has those that read. .NET's file API decodes names to UTF-16 and cannot name every file.
/// </summary>
/// <remarks>
/// Calls whose wrappers differ between C libraries, or came late, go through <c>syscall</c>; their numbers and the flags that
/// differ between architectures are from the kernel's uapi headers.
/// </remarks>
internal static unsafe partial class LinuxCalls
{
    public const int CurrentDirectory = -100;
    public const int EmptyPath = 0x1000;
    public const int NoFollowLinks = 0x100;

    public const int ReadOnly = 0;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int NoControllingTerminal = 0x100;

    private const ulong ResolveNoOtherDevice = 0x01;
    private const ulong ResolveBeneath = 0x08;
    private const ulong ResolveInRoot = 0x10;
    private const ulong ResolveNoSymlinks = 0x04;
    private const ulong ResolveNoMagicLinks = 0x02;
    private const nint OpenAt2Number = 437;
    private const nint ListAttributesAtNumber = 465;
    private const int DuplicateCloseOnExec = 1030;
    private const uint BasicStats = 0x7FF;

    private static readonly bool OldArmFlags =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm or Architecture.Armv6 or Architecture.Ppc64le;

    private static readonly nint GetDirectoryEntriesNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 or Architecture.Arm or Architecture.Armv6 => 217,
        Architecture.X86 or Architecture.S390x => 220,
        Architecture.Ppc64le => 202,
        _ => 61,
    };

    private static readonly nint StatxNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 332,
        Architecture.Arm or Architecture.Armv6 => 397,
        Architecture.X86 or Architecture.Ppc64le => 383,
        Architecture.S390x => 379,
        _ => 291,
    };

    public static int DirectoryOnly { get; } = OldArmFlags ? 0x4000 : 0x10000;

    public static int NoFollow { get; } = OldArmFlags ? 0x8000 : 0x20000;

    /// <summary>Whether an error says that a name has vanished since it was read, or is no directory or link any more.</summary>
    public static bool IsGone(int error) => error is NoEntry or NotADirectory or TooManyLinks or StaleHandle;

    public static int LastError
    {
        get => Marshal.GetLastPInvokeError();
        set => Marshal.SetLastPInvokeError(value);
    }

    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>Opens a name relative to a directory; a negative result is a failure.</summary>
    public static int Open(int directory, ReadOnlySpan<byte> terminatedPath, int flags)
    {
        fixed (byte* path = terminatedPath)
        {
            int result;
            do
            {
                result = OpenAt(directory, path, flags | CloseOnExec);
            }
            while (result < 0 && LastError == Interrupted);
            return result;
        }
    }

    /// <summary>Opens a path beneath a directory without passing any symbolic link (Linux 5.6; <c>openat2</c>).</summary>
    public static int OpenBeneath(int directory, ReadOnlySpan<byte> terminatedPath, int flags) =>
        OpenAt2(directory, terminatedPath, flags, ResolveBeneath | ResolveNoSymlinks | ResolveNoMagicLinks);

    /// <summary>As <c>OpenBeneath</c>, and enters no other mount, not even a bind mount of the same file system.</summary>
    public static int OpenBeneathOnMount(int directory, ReadOnlySpan<byte> terminatedPath, int flags) =>
        OpenAt2(directory, terminatedPath, flags, ResolveBeneath | ResolveNoSymlinks | ResolveNoMagicLinks | ResolveNoOtherDevice);

    /// <summary>Opens a path with the directory as its root: absolute links and <c>..</c> stay inside it.</summary>
    public static int OpenInRoot(int directory, ReadOnlySpan<byte> terminatedPath, int flags) =>
        OpenAt2(directory, terminatedPath, flags, ResolveInRoot | ResolveNoMagicLinks);

    /// <summary>Duplicates a descriptor, close-on-exec.</summary>
    public static int Duplicate(int descriptor) => Control(descriptor, DuplicateCloseOnExec, 0);

    /// <summary>Reads the state of a name, or of the descriptor itself when the path is empty.</summary>
    public static bool TryStat(int directory, ReadOnlySpan<byte> terminatedPath, int flags, out LinuxStat stat)
    {
        fixed (byte* path = terminatedPath)
        fixed (LinuxStat* buffer = &stat)
        {
            return SystemCall(StatxNumber, directory, (nint)path, flags, (nint)BasicStats, (nint)buffer) == 0;
        }
    }

    /// <summary>Fills the buffer with directory entries; 0 at the end, negative on failure.</summary>
    public static int ReadDirectory(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return (int)SystemCall(GetDirectoryEntriesNumber, descriptor, (nint)start, buffer.Length, 0, 0);
        }
    }

    public static int ReadLink(int directory, ReadOnlySpan<byte> terminatedPath, Span<byte> buffer)
    {
        fixed (byte* path = terminatedPath)
        fixed (byte* start = buffer)
        {
            return (int)ReadLinkAt(directory, path, start, (nuint)buffer.Length);
        }
    }

    public static int Read(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            nint result;
            do
            {
                result = ReadDescriptor(descriptor, start, (nuint)buffer.Length);
            }
            while (result < 0 && LastError == Interrupted);
            return (int)result;
        }
    }

    /// <summary>Lists the attributes of a name in a directory; does not follow a link (Linux 6.13; <c>listxattrat</c>).</summary>
    public static int ListAttributesAt(int directory, ReadOnlySpan<byte> terminatedName, Span<byte> buffer)
    {
        fixed (byte* name = terminatedName)
        fixed (byte* start = buffer)
        {
            return (int)SystemCall(ListAttributesAtNumber, directory, (nint)name, NoFollowLinks, (nint)start, buffer.Length);
        }
    }

    public static int ListAttributes(ReadOnlySpan<byte> terminatedPath, Span<byte> buffer)
    {
        fixed (byte* path = terminatedPath)
        fixed (byte* start = buffer)
        {
            return (int)ListExtendedAttributes(path, start, (nuint)buffer.Length);
        }
    }

    public static int GetAttribute(ReadOnlySpan<byte> terminatedPath, ReadOnlySpan<byte> terminatedName, Span<byte> buffer)
    {
        fixed (byte* path = terminatedPath)
        fixed (byte* name = terminatedName)
        fixed (byte* start = buffer)
        {
            return (int)GetExtendedAttribute(path, name, start, (nuint)buffer.Length);
        }
    }

    /// <summary>Reads an attribute of a file; follows links.</summary>
    public static int GetAttributeFollowing(ReadOnlySpan<byte> terminatedPath, ReadOnlySpan<byte> terminatedName, Span<byte> buffer)
    {
        fixed (byte* path = terminatedPath)
        fixed (byte* name = terminatedName)
        fixed (byte* start = buffer)
        {
            return (int)GetAttributeOfTarget(path, name, start, (nuint)buffer.Length);
        }
    }

    private static int OpenAt2(int directory, ReadOnlySpan<byte> terminatedPath, int flags, ulong resolve)
    {
        OpenHow how = new() { Flags = (ulong)(uint)(flags | CloseOnExec), Resolve = resolve };
        fixed (byte* path = terminatedPath)
        {
            nint result;
            do
            {
                result = SystemCall(OpenAt2Number, directory, (nint)path, (nint)(&how), sizeof(OpenHow), 0);
            }
            while (result < 0 && LastError == Interrupted);
            return (int)result;
        }
    }

    /// <summary>The real path, in memory that the C library allocated; 0 on failure.</summary>
    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial nint RealPath(string path, nint resolved);

    [LibraryImport("libc", EntryPoint = "free")]
    public static partial void Free(nint memory);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial int OpenAt(int directory, byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint ReadLinkAt(int directory, byte* path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadDescriptor(int descriptor, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint ListExtendedAttributes(byte* path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint GetExtendedAttribute(byte* path, byte* name, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true)]
    private static partial nint GetAttributeOfTarget(byte* path, byte* name, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }
}
