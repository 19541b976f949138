using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

/// <summary>Credentials of this process and thread, the user and group databases, and signals.</summary>
internal static unsafe partial class LinuxCalls
{
    public const int MostGroups = 65536;

    private const int EffectiveAccess = 0x200;
    private const int ExecuteAccess = 1;

    // The raw calls change the calling thread only; the C library's wrappers change all threads.
    private static readonly (nint SetGroups, nint SetFsUid, nint SetFsGid)? OfThread = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (116, 122, 123),
        Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64 => (159, 151, 152),
        Architecture.S390x => (206, 215, 216),
        Architecture.Ppc64le => (81, 138, 139),
        _ => null,
    };

    public static uint EffectiveUserId => GetEffectiveUser();

    public static uint EffectiveGroupId => GetEffectiveGroup();

    /// <summary>Whether this processor's system call numbers for credentials of a single thread are known.</summary>
    public static bool KnowsThreadCredentials => OfThread is not null;

    public static uint[] SupplementaryGroups()
    {
        int count = GetGroups(0, null);
        if (count <= 0)
        {
            return [];
        }

        uint[] groups = new uint[count];
        fixed (uint* list = groups)
        {
            count = GetGroups(count, list);
        }

        return count == groups.Length ? groups : groups[..Math.Max(count, 0)];
    }

    public static bool TrySetThreadGroups(ReadOnlySpan<uint> groups)
    {
        fixed (uint* list = groups)
        {
            return OfThread is { } numbers && SystemCall(numbers.SetGroups, groups.Length, (nint)list, 0, 0, 0) == 0;
        }
    }

    /// <summary>Sets the file-system group and user of the calling thread. These calls report no errors, so the ids in force are read back.</summary>
    public static bool TrySetThreadFileSystemIds(uint uid, uint gid)
    {
        if (OfThread is not { } numbers)
        {
            return false;
        }

        // -1 is no valid id: it changes nothing, and the call returns the id in force.
        _ = SystemCall(numbers.SetFsGid, (nint)gid, 0, 0, 0, 0);
        _ = SystemCall(numbers.SetFsUid, (nint)uid, 0, 0, 0, 0);
        return (uint)SystemCall(numbers.SetFsGid, -1, 0, 0, 0, 0) == gid && (uint)SystemCall(numbers.SetFsUid, -1, 0, 0, 0, 0) == uid;
    }

    /// <summary>Whether this process may pass through a directory; true when something other than permissions prevents it.</summary>
    public static bool MaySearch(string directory) => AccessAt(CurrentDirectory, directory, ExecuteAccess, EffectiveAccess) == 0 || LastError != AccessDenied;

    public static bool MayExecute(string path) => AccessAt(CurrentDirectory, path, ExecuteAccess, EffectiveAccess) == 0;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Signal(int process, int signal);

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int UserByName(string name, byte* record, byte* strings, nuint length, nint* result);

    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    public static partial int UserById(uint uid, byte* record, byte* strings, nuint length, nint* result);

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GroupByName(string name, byte* record, byte* strings, nuint length, nint* result);

    [LibraryImport("libc", EntryPoint = "getgrgid_r")]
    public static partial int GroupById(uint gid, byte* record, byte* strings, nuint length, nint* result);

    [LibraryImport("libc", EntryPoint = "getgrouplist", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GroupsOf(string user, uint group, uint* groups, int* count);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint GetEffectiveGroup();

    [LibraryImport("libc", EntryPoint = "getgroups", SetLastError = true)]
    private static partial int GetGroups(int size, uint* list);

    [LibraryImport("libc", EntryPoint = "faccessat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int AccessAt(int directory, string path, int mode, int flags);
}
