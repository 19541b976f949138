using System.Runtime.InteropServices;
using System.Text;

namespace OpenCloud.Build.Linux.Files;

/// <summary>The system calls for reading files that come from outside. .NET's file API waits for the writer of a pipe and follows every link.</summary>
internal static unsafe partial class FileCalls
{
    public const int CurrentDirectory = -100;

    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int NoDeviceOrAddress = 6;
    public const int TryAgain = 11;
    public const int AccessDenied = 13;
    public const int CrossDevice = 18;
    public const int NotADirectory = 20;
    public const int NoSystemCall = 38;
    public const int TooManyLinks = 40;

    private const int Interrupted = 4;
    private const int NonBlocking = 0x800;
    private const int NoControllingTerminal = 0x100;
    private const int CloseOnExec = 0x80000;
    private const int PathOnly = 0x200000;
    private const int EmptyPath = 0x1000;
    private const int DuplicateCloseOnExec = 1030;
    private const ulong ResolveNoMagicLinks = 0x02;
    private const ulong ResolveInRoot = 0x10;
    private const nint OpenAt2Number = 437;
    private const uint BasicStats = 0x7FF;
    private const short Readable = 0x001;
    private const int MostPath = 4096;

    private static readonly bool OldArmFlags =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm or Architecture.Armv6 or Architecture.Ppc64le;

    /// <summary>For reading, without waiting for a writer and without taking a terminal.</summary>
    public static int ReadFlags => NonBlocking | NoControllingTerminal;

    /// <summary>For a directory to look things up in.</summary>
    public static int DirectoryFlags { get; } = OldArmFlags ? 0x4000 : 0x10000;

    /// <summary>Not through a link that is the last part of the path.</summary>
    public static int NoFollow { get; } = OldArmFlags ? 0x8000 : 0x20000;

    /// <summary>The place itself, of whatever kind it is.</summary>
    public static int PathFlags => PathOnly | NoFollow;

    /// <summary>The error number of the last call on this thread.</summary>
    public static int LastError
    {
        get => Marshal.GetLastPInvokeError();
        set => Marshal.SetLastPInvokeError(value);
    }

    /// <summary>The last error as an exception whose message is a clause.</summary>
    public static Exception Failure()
    {
        int error = LastError;
        return error switch
        {
            NoEntry => new FileNotFoundException("it does not exist"),
            AccessDenied or NotPermitted => new UnauthorizedAccessException("permission denied"),
            _ => new IOException(Describe(error)),
        };
    }

    public static FileDescriptor? Open(int directory, string path, int flags)
    {
        int result;
        do
        {
            result = OpenAt(directory, path, flags | CloseOnExec);
        }
        while (result < 0 && LastError == Interrupted);
        return Wrap(result);
    }

    /// <summary>Opens a path with the directory as its root (Linux 5.6).</summary>
    public static FileDescriptor? OpenInRoot(FileDescriptor root, string path, int flags)
    {
        OpenHow how = new() { Flags = (ulong)(uint)(flags | CloseOnExec), Resolve = ResolveInRoot | ResolveNoMagicLinks };
        byte[] terminated = Encoding.UTF8.GetBytes(path + "\0");
        fixed (byte* start = terminated)
        {
            nint result;
            do
            {
                result = SystemCall(OpenAt2Number, root.Number, (nint)start, (nint)(&how), sizeof(OpenHow));
            }
            while (result < 0 && LastError == Interrupted);
            return Wrap((int)result);
        }
    }

    /// <summary>Another descriptor of the same open file.</summary>
    public static FileDescriptor? Duplicate(int number) => Wrap(Control(number, DuplicateCloseOnExec, 0));

    /// <summary>Reads the state of an open file.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static FileState StateOf(FileDescriptor file)
    {
        Statx state = default;
        return StateAt(file.Number, "", EmptyPath, BasicStats, &state) == 0
            ? new FileState(state.Mode, (long)state.Size, unchecked((state.ModifiedSeconds * 1_000_000_000) + state.ModifiedNanoseconds))
            : throw Failure();
    }

    /// <summary>The target of a link that was opened as a place; null on failure.</summary>
    public static string? ReadLink(FileDescriptor link)
    {
        byte* buffer = stackalloc byte[MostPath];
        nint length = ReadLinkAt(link.Number, "", buffer, MostPath);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, (int)length);
    }

    public static int Read(FileDescriptor file, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            nint result;
            do
            {
                result = ReadDescriptor(file.Number, start, (nuint)buffer.Length);
            }
            while (result < 0 && LastError == Interrupted);
            return (int)result;
        }
    }

    /// <summary>Whether there is something to read, or an end, within a time.</summary>
    public static bool IsReadable(FileDescriptor file, int milliseconds)
    {
        PollEntry entry = new() { Descriptor = file.Number, Events = Readable };
        return Poll(&entry, 1, milliseconds) > 0;
    }

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    private static string Describe(int error)
    {
        string text = Marshal.GetPInvokeErrorMessage(error);
        return text.Length > 1 && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    private static FileDescriptor? Wrap(int result) => result < 0 ? null : new FileDescriptor(result);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int directory, string path, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StateAt(int directory, string path, int flags, uint mask, Statx* state);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint ReadLinkAt(int directory, string path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadDescriptor(int descriptor, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third, nint fourth);

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    // The kernel's struct statx, which is the same on every architecture.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(112)]
        public long ModifiedSeconds;

        [FieldOffset(120)]
        public uint ModifiedNanoseconds;
    }
}
