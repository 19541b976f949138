using OpenCloud.Build.Host.Diagnosis;

namespace OpenCloud.Build.Host.Prechecks;

/// <summary>A condition that can keep a rootless engine from working.</summary>
internal enum RootlessTrap
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
internal sealed record RootlessCheck(RootlessTrap Trap, CheckState State, string Evidence, string? Remedy = null)
{
    /// <summary>The package that fixes the problem; null when none does.</summary>
    public string? Package { get; init; }

    /// <summary>The shell commands for root that fix the problem; empty when the fix needs a human decision.</summary>
    public IReadOnlyList<string> RootCommands { get; init; } = [];

    /// <summary>Whether Install-BuildKit -Rootless fixes the problem when root runs it.</summary>
    public bool ByInstaller { get; init; }

    public string Name => Trap switch
    {
        RootlessTrap.UserNamespaces => "User namespaces",
        RootlessTrap.UnprivilegedClone => "Unprivileged user namespaces",
        RootlessTrap.AppArmor => "AppArmor",
        RootlessTrap.RootlessKit => "RootlessKit",
        RootlessTrap.NewUidMap => "newuidmap",
        RootlessTrap.NewGidMap => "newgidmap",
        RootlessTrap.SubordinateUids => "Subordinate user ids",
        RootlessTrap.SubordinateGids => "Subordinate group ids",
        RootlessTrap.Ip => "iproute2",
        RootlessTrap.Network => "User-mode network",
        RootlessTrap.Tun => "/dev/net/tun",
        RootlessTrap.HostsFile => "/etc/hosts",
        RootlessTrap.SessionBus => "User's D-Bus",
        RootlessTrap.Overlay => "Overlay",
        RootlessTrap.Cgroup => "cgroup v2",
        RootlessTrap.HidePid => "hidepid",
        _ => "Home",
    };

    public DiagnosisCheck ToDiagnosis() => new($"Rootless: {Name}", State, Evidence, Remedy);
}
