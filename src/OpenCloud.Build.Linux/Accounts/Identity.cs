namespace OpenCloud.Build.Linux;

/// <summary>A user as the kernel sees it: user id, group id and supplementary group ids.</summary>
internal sealed record Identity(uint Uid, uint Gid, IReadOnlyList<uint> Groups)
{
    /// <summary>Debian's and Ubuntu's <c>nobody</c> and <c>nogroup</c>: an id that owns nothing.</summary>
    public const uint Nobody = 65534;

    /// <summary>The user nobody as a member of one group: how a socket sees a newly granted user.</summary>
    public static Identity NobodyIn(uint gid) => new(Nobody, Nobody, [gid]);

    /// <summary>The credentials that this process has now. A new login could give it others.</summary>
    public static Identity Current() => new(LinuxCalls.EffectiveUserId, LinuxCalls.EffectiveGroupId, LinuxCalls.SupplementaryGroups());

    public bool IsMember(uint gid) => Gid == gid || Groups.Contains(gid);
}
