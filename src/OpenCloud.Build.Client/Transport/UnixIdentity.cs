using System.Runtime.InteropServices;

namespace OpenCloud.Build.Client.Transport;

/// <summary>
/// Owners, groups and memberships, which the BCL does not tell. Names go through the C library, so that every source of the
/// machine's user database counts, not only /etc/passwd.
/// </summary>
internal static unsafe partial class UnixIdentity
{
    private const int AtCurrentDirectory = -100;
    private const int AtEffectiveAccess = 0x200;
    private const int ExecuteAccess = 1;
    private const uint BasicStats = 0x7ff;
    private const int FileTypeMask = 0xf000;
    private const int SocketType = 0xc000;
    private const int LongestRecord = 64 * 1024;
    private const int MostGroups = 65536;

    internal readonly record struct FileFacts(uint Owner, uint Group, UnixFileMode Mode, bool IsSocket);

    public static uint EffectiveUserId => geteuid();

    /// <summary>The owner, group and permissions of a file, or null when this user may not see them.</summary>
    public static FileFacts? Stat(string path)
    {
        // statx because its structure is the same on every architecture (statx(2)); stat's is not.
        byte* buffer = stackalloc byte[256];
        return statx(AtCurrentDirectory, path, 0, BasicStats, buffer) == 0
            ? new FileFacts(
                *(uint*)(buffer + 20),
                *(uint*)(buffer + 24),
                (UnixFileMode)(*(ushort*)(buffer + 28) & 0xfff),
                (*(ushort*)(buffer + 28) & FileTypeMask) == SocketType)
            : null;
    }

    public static bool MaySearch(string directory) =>
        faccessat(AtCurrentDirectory, directory, ExecuteAccess, AtEffectiveAccess) == 0
        || Marshal.GetLastPInvokeError() != 13; // EACCES: anything else is not a matter of rights

    public static string? UserName(uint id)
    {
        byte[] strings = new byte[LongestRecord];
        byte* record = stackalloc byte[128];
        fixed (byte* s = strings)
        {
            nint found;
            return getpwuid_r(id, record, s, (nuint)strings.Length, &found) == 0 && found != 0 ? Marshal.PtrToStringUTF8(*(nint*)record) : null;
        }
    }

    public static string? GroupName(uint id)
    {
        byte[] strings = new byte[LongestRecord];
        byte* record = stackalloc byte[128];
        fixed (byte* s = strings)
        {
            nint found;
            return getgrgid_r(id, record, s, (nuint)strings.Length, &found) == 0 && found != 0 ? Marshal.PtrToStringUTF8(*(nint*)record) : null;
        }
    }

    public static bool ProcessHasGroup(uint group)
    {
        if (getegid() == group)
        {
            return true;
        }
        uint[] groups = new uint[MostGroups];
        fixed (uint* g = groups)
        {
            int count = getgroups(groups.Length, g);
            return count > 0 && groups.AsSpan(0, count).Contains(group);
        }
    }

    public static bool DatabaseHasMember(string user, uint group)
    {
        uint[] groups = new uint[MostGroups];
        int count = groups.Length;
        fixed (uint* g = groups)
        {
            // The second argument is put into the answer as it is: a group that nobody is asked about.
            return getgrouplist(user, uint.MaxValue, g, &count) >= 0 && groups.AsSpan(0, count).Contains(group);
        }
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint getegid();

    [LibraryImport("libc")]
    private static partial int getgroups(int size, uint* list);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getgrouplist(string user, uint group, uint* groups, int* count);

    [LibraryImport("libc")]
    private static partial int getpwuid_r(uint uid, byte* record, byte* strings, nuint length, nint* result);

    [LibraryImport("libc")]
    private static partial int getgrgid_r(uint gid, byte* record, byte* strings, nuint length, nint* result);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int faccessat(int directory, string path, int mode, int flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, byte* buffer);
}
