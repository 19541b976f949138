using System.Globalization;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

internal sealed record UserAccount(string Name, uint Uid, uint Gid, string Home, string Shell);

internal sealed record GroupAccount(string Name, uint Gid, IReadOnlyList<string> Members);

/// <summary>Looks users and groups up through the C library, so that directory services count as well as /etc/passwd.</summary>
internal static unsafe class SystemAccounts
{
    private const int SmallestRecord = 16 * 1024;
    private const int LargestRecord = 8 * 1024 * 1024;

    /// <summary>Finds a user by name or number; null when there is none.</summary>
    public static UserAccount? FindUser(string name) => NumberIn(name) is { } uid ? FindUser(uid)
        : Ask((record, strings, length, found) => LinuxCalls.UserByName(name, record, strings, length, found), UserOf);

    public static UserAccount? FindUser(uint uid) => Ask((record, strings, length, found) => LinuxCalls.UserById(uid, record, strings, length, found), UserOf);

    /// <summary>Finds a group by name or number; null when there is none.</summary>
    public static GroupAccount? FindGroup(string name) => NumberIn(name) is { } gid ? FindGroup(gid)
        : Ask((record, strings, length, found) => LinuxCalls.GroupByName(name, record, strings, length, found), GroupOf);

    public static GroupAccount? FindGroup(uint gid) => Ask((record, strings, length, found) => LinuxCalls.GroupById(gid, record, strings, length, found), GroupOf);

    /// <summary>The groups of a user after a new login: those of the database and the primary one.</summary>
    public static uint[] GroupsOf(string user, uint primary)
    {
        uint[] groups = new uint[64];
        while (true)
        {
            int count = groups.Length;
            fixed (uint* list = groups)
            {
                if (LinuxCalls.GroupsOf(user, primary, list, &count) >= 0)
                {
                    return groups[..count];
                }
            }

            if (groups.Length >= LinuxCalls.MostGroups)
            {
                return groups;
            }

            groups = new uint[Math.Clamp(count, groups.Length * 2, LinuxCalls.MostGroups)];
        }
    }

    // As in getent(1): a name of digits only is a number.
    private static uint? NumberIn(string name)
        => name.Length > 0 && name.All(char.IsAsciiDigit) && uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    // struct passwd: name, password, uid, gid, comment, home, shell.
    private static UserAccount UserOf(nint record)
    {
        uint* ids = (uint*)(record + (2 * sizeof(nint)));
        nint* rest = (nint*)(record + (2 * sizeof(nint)) + (2 * sizeof(uint)));
        return new UserAccount(TextAt(*(nint*)record), ids[0], ids[1], TextAt(rest[1]), TextAt(rest[2]));
    }

    // struct group: name, password, gid, members.
    private static GroupAccount GroupOf(nint record)
    {
        List<string> members = [];
        nint* list = (nint*)((nint*)record)[3];
        for (; list is not null && *list != 0; list++)
        {
            members.Add(TextAt(*list));
        }

        return new GroupAccount(TextAt(*(nint*)record), *(uint*)(record + (2 * sizeof(nint))), members);
    }

    private static string TextAt(nint text) => Marshal.PtrToStringUTF8(text) ?? string.Empty;

    private static T? Ask<T>(Question ask, Func<nint, T> read)
        where T : class
    {
        const int RangeError = LinuxCalls.RangeError;
        byte* record = stackalloc byte[128];
        for (int length = SmallestRecord; ; length *= 4)
        {
            byte[] strings = new byte[length];
            fixed (byte* start = strings)
            {
                nint found = 0;
                int error = ask(record, start, (nuint)length, &found);
                if (error == RangeError && length < LargestRecord)
                {
                    continue;
                }

                return error == 0 && found != 0 ? read(found) : null;
            }
        }
    }

    private delegate int Question(byte* record, byte* strings, nuint length, nint* found);
}
