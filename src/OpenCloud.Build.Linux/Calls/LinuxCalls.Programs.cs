using System.Runtime.InteropServices;
using System.Text;

namespace OpenCloud.Build.Linux;

/// <summary>The calls that start a program with given descriptors and wait for its end.</summary>
internal static unsafe partial class LinuxCalls
{
    public const int NoChild = 10;

    // posix_spawnattr_setflags(3), the same in glibc and musl. POSIX_SPAWN_SETSID came with glibc 2.26.
    private const short SpawnSetDefaults = 0x04;
    private const short SpawnSetMask = 0x08;
    private const short SpawnSetSession = 0x80;

    // SIGINT, SIGQUIT, SIGPIPE, SIGTERM and SIGCHLD, bit by bit: .NET ignores or handles them, and an ignored signal stays ignored in a new program.
    private const ulong DefaultSignals = (1UL << 1) | (1UL << 2) | (1UL << 12) | (1UL << 14) | (1UL << 16);

    // Room for the opaque structures of any C library; glibc uses 336, 80 and 128 bytes.
    private const int SpawnStructure = 512;
    private const int SignalSet = 128 / sizeof(ulong);

    private const int WaitNoHang = 1;
    private const int WaitExited = 4;
    private const int WaitKeep = 0x01000000;
    private const int WaitForProcess = 1;

    private static volatile bool _changesFolder = true;

    /// <summary>Creates two connected stream sockets, close-on-exec.</summary>
    public static bool TryCreateSocketPair(out int near, out int far)
    {
        int* pair = stackalloc int[2];
        bool created = MakeSocketPair(UnixFamily, StreamSocket | CloseOnExec, 0, pair) == 0;
        (near, far) = created ? (pair[0], pair[1]) : (-1, -1);
        return created;
    }

    /// <summary>
    /// Starts a program as the leader of a new session, with one descriptor as standard input and output, another as standard error, and no other
    /// that is close-on-exec.
    /// </summary>
    /// <returns>0, or the error number.</returns>
    public static int Spawn(string path, IEnumerable<string> arguments, IEnumerable<string> environment, string folder, int inputOutput, int errors, out int process)
    {
        byte* actions = stackalloc byte[SpawnStructure];
        byte* attributes = stackalloc byte[SpawnStructure];
        ulong* signals = stackalloc ulong[SignalSet];
        new Span<ulong>(signals, SignalSet).Clear();
        process = 0;
        int error = SpawnActionsInitialize(actions);
        if (error != 0)
        {
            return error;
        }

        error = SpawnAttributesInitialize(attributes);
        if (error != 0)
        {
            _ = SpawnActionsDestroy(actions);
            return error;
        }

        nint[] texts = [];
        try
        {
            _ = SpawnAttributesSetMask(attributes, signals);
            signals[0] = DefaultSignals;
            _ = SpawnAttributesSetDefaults(attributes, signals);
            error = First(
                SpawnAttributesSetFlags(attributes, SpawnSetDefaults | SpawnSetMask | SpawnSetSession),
                SpawnActionsDuplicate(actions, inputOutput, 0),
                SpawnActionsDuplicate(actions, inputOutput, 1),
                SpawnActionsDuplicate(actions, errors, 2),
                ChangeFolder(actions, folder));
            if (error != 0)
            {
                return error;
            }

            string[] all = [path, .. arguments];
            string[] variables = [.. environment];
            texts = [.. all.Concat(variables).Select(Marshal.StringToCoTaskMemUTF8)];
            nint[] argv = [.. texts.Take(all.Length), 0];
            nint[] envp = [.. texts.Skip(all.Length), 0];
            byte[] file = [.. Encoding.UTF8.GetBytes(path), 0];
            fixed (byte* name = file)
            fixed (nint* argumentList = argv)
            fixed (nint* variableList = envp)
            {
                return SpawnProgram(out process, name, actions, attributes, argumentList, variableList);
            }
        }
        finally
        {
            foreach (nint text in texts)
            {
                Marshal.FreeCoTaskMem(text);
            }

            _ = SpawnActionsDestroy(actions);
            _ = SpawnAttributesDestroy(attributes);
        }
    }

    /// <summary>Whether a child has ended, without taking its status: until it is taken, no other process gets the id. True for an id that is no child.</summary>
    public static bool HasEnded(int process)
    {
        // siginfo_t has 128 bytes; the first field, the signal's number, stays 0 while the child runs.
        byte* information = stackalloc byte[128];
        new Span<byte>(information, 128).Clear();
        return WaitId(WaitForProcess, process, information, WaitExited | WaitNoHang | WaitKeep) != 0 ? LastError == NoChild : *(int*)information != 0;
    }

    /// <summary>Takes the status of a child that has ended: its exit code, or 128 plus the signal's number; null when the status is not available.</summary>
    public static int? TakeStatus(int process)
    {
        int status;
        return WaitProcess(process, &status, WaitNoHang) == process ? (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f) : null;
    }

    private static int First(params ReadOnlySpan<int> errors)
    {
        foreach (int error in errors)
        {
            if (error != 0)
            {
                return error;
            }
        }

        return 0;
    }

    // Since glibc 2.29; without it the program starts in this process's folder.
    private static int ChangeFolder(byte* actions, string folder)
    {
        byte[] path = [.. Encoding.UTF8.GetBytes(folder), 0];
        try
        {
            fixed (byte* start = path)
            {
                return _changesFolder ? SpawnActionsChangeFolder(actions, start) : 0;
            }
        }
        catch (EntryPointNotFoundException)
        {
            _changesFolder = false;
            return 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int MakeSocketPair(int family, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "posix_spawn")]
    private static partial int SpawnProgram(out int process, byte* path, byte* actions, byte* attributes, nint* arguments, nint* environment);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int SpawnActionsInitialize(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int SpawnActionsDestroy(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int SpawnActionsDuplicate(byte* actions, int descriptor, int target);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addchdir_np")]
    private static partial int SpawnActionsChangeFolder(byte* actions, byte* path);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static partial int SpawnAttributesInitialize(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static partial int SpawnAttributesDestroy(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static partial int SpawnAttributesSetFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int SpawnAttributesSetMask(byte* attributes, ulong* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static partial int SpawnAttributesSetDefaults(byte* attributes, ulong* signals);

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    private static partial int WaitId(int type, int id, byte* information, int options);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitProcess(int process, int* status, int options);
}
