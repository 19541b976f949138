namespace OpenCloud.Build.Linux;

/// <summary>Who somebody is to the kernel: user, group and supplementary groups.</summary>
/// <param name="Uid">The user id.</param>
/// <param name="Gid">The primary group id.</param>
/// <param name="Groups">The supplementary group ids.</param>
internal sealed record Identity(uint Uid, uint Gid, IReadOnlyList<uint> Groups)
{
    /// <summary>Debian's and Ubuntu's <c>nobody</c> and <c>nogroup</c>: an id that owns nothing.</summary>
    public const uint Nobody = 65534;

    /// <summary>Nobody, but a member of one group: who a newly granted user is, seen from a socket.</summary>
    public static Identity NobodyIn(uint gid) => new(Nobody, Nobody, [gid]);

    /// <summary>This process as it is now, not as the database says it would be after a new login.</summary>
    public static Identity Current() => new(LinuxCalls.EffectiveUserId, LinuxCalls.EffectiveGroupId, LinuxCalls.SupplementaryGroups());

    /// <summary>Whether the kernel counts this identity as a member of a group.</summary>
    public bool IsMember(uint gid) => Gid == gid || Groups.Contains(gid);
}
