namespace OpenCloud.Build.Host.Prechecks;

/// <summary>A condition that can keep a rootless engine from working.</summary>
internal enum RootlessPrerequisite
{
    UserNamespaces,
    UnprivilegedClone,
    AppArmor,
    RootlessKit,
    NewUidMap,
    NewGidMap,
    SubordinateUids,
    SubordinateGids,
    Ip,
    Network,
    Tun,
    HostsFile,
    SessionBus,
    Overlay,
    Cgroup,
    HidePid,
    Home,
}

/// <summary>The result of one check. Failed: the engine does not start or builds do not run.</summary>
internal sealed record RootlessPrecheck(RootlessPrerequisite Prerequisite, CheckState State, string Evidence, string? Remedy = null)
{
    /// <summary>The package that fixes the problem; null when none does.</summary>
    public string? Package { get; init; }

    /// <summary>The shell commands for root that fix the problem; empty when the fix needs a human decision.</summary>
    public IReadOnlyList<string> RootCommands { get; init; } = [];

    /// <summary>Whether Install-BuildKit -Rootless fixes the problem when root runs it.</summary>
    public bool ByInstaller { get; init; }

    public string Name => Prerequisite switch
    {
        RootlessPrerequisite.UserNamespaces => "User namespaces",
        RootlessPrerequisite.UnprivilegedClone => "Unprivileged user namespaces",
        RootlessPrerequisite.AppArmor => "AppArmor",
        RootlessPrerequisite.RootlessKit => "RootlessKit",
        RootlessPrerequisite.NewUidMap => "newuidmap",
        RootlessPrerequisite.NewGidMap => "newgidmap",
        RootlessPrerequisite.SubordinateUids => "Subordinate user ids",
        RootlessPrerequisite.SubordinateGids => "Subordinate group ids",
        RootlessPrerequisite.Ip => "iproute2",
        RootlessPrerequisite.Network => "User-mode network",
        RootlessPrerequisite.Tun => "/dev/net/tun",
        RootlessPrerequisite.HostsFile => "/etc/hosts",
        RootlessPrerequisite.SessionBus => "User's D-Bus",
        RootlessPrerequisite.Overlay => "Overlay",
        RootlessPrerequisite.Cgroup => "cgroup v2",
        RootlessPrerequisite.HidePid => "hidepid",
        _ => "Home",
    };
}
