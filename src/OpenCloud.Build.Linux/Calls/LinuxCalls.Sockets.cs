using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

/// <summary>The calls for sockets and for waiting on them. The constants are the same on every Linux architecture of .NET.</summary>
internal static unsafe partial class LinuxCalls
{
    public const int UnixFamily = 1;
    public const int StreamSocket = 1;
    public const int DontWait = 0x40;
    public const int NoSignal = 0x4000;
    public const short Readable = 1;
    public const short Writable = 4;

    /// <summary>Waits until a descriptor is writable or in error, up to a time limit.</summary>
    public static void WaitUntilWritable(int descriptor, int milliseconds)
    {
        PollDescriptor waiting = new() { Descriptor = descriptor, Events = Writable };
        _ = Poll(&waiting, 1, milliseconds);
    }

    /// <summary>Creates a stream socket of a family, close-on-exec.</summary>
    public static int StreamSocketOf(int family, bool nonBlocking = false) => MakeSocket(family, StreamSocket | CloseOnExec | (nonBlocking ? NonBlocking : 0), 0);

    /// <summary>Connects to an address in the kernel's form; does not retry after an interrupt.</summary>
    public static int Connect(int socket, ReadOnlySpan<byte> address)
    {
        fixed (byte* start = address)
        {
            return ConnectSocket(socket, start, (uint)address.Length);
        }
    }

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(SafeHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(SafeHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, int timeout);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "read")]
    public static partial nint ReadRaw(int descriptor, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write")]
    public static partial nint WriteRaw(int descriptor, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int MakeSocket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int ConnectSocket(int socket, byte* address, uint length);
}

[StructLayout(LayoutKind.Sequential)]
internal struct PollDescriptor
{
    public int Descriptor;
    public short Events;
    public short Occurred;
}
