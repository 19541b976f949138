namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Owners, groups and memberships, which the BCL lacks. Names are resolved by the C library, so that every source of the
/// machine's user database counts, not only /etc/passwd.
/// </summary>
internal static class UnixIdentity
{
    internal readonly record struct FileFacts(uint Owner, uint Group, UnixFileMode Mode, bool IsSocket);

    public static uint EffectiveUserId => LinuxCalls.EffectiveUserId;

    /// <summary>The owner, group and permissions of a file; null when this user may not see them.</summary>
    public static FileFacts? Stat(string path)
        => LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), 0, out LinuxStat stat)
            ? new FileFacts(stat.Uid, stat.Gid, (UnixFileMode)(stat.Mode & 0xfff), stat.Type == UnixMode.Socket)
            : null;

    public static bool MaySearch(string directory) => LinuxCalls.MaySearch(directory);

    public static string? UserName(uint id) => SystemAccounts.FindUser(id)?.Name;

    public static string? GroupName(uint id) => SystemAccounts.FindGroup(id)?.Name;

    public static bool ProcessHasGroup(uint group) => Identity.Current().IsMember(group);

    // The given primary group is always part of the answer, so a value is passed that no caller asks about.
    public static bool DatabaseHasMember(string user, uint group) => SystemAccounts.GroupsOf(user, uint.MaxValue).Contains(group);
}
