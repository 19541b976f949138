using OpenCloud.Build.Host.Diagnosis;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>What an engine without root can stumble over.</summary>
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

/// <summary>One trap looked at.</summary>
/// <param name="Trap">Which.</param>
/// <param name="State">Failed: no engine starts, or no build runs.</param>
/// <param name="Evidence">What was seen.</param>
/// <param name="Remedy">What to do about it; null when nothing is to be done.</param>
internal sealed record RootlessCheck(RootlessTrap Trap, CheckState State, string Evidence, string? Remedy = null)
{
    /// <summary>The package that mends it; null when none does.</summary>
    public string? Package { get; init; }

    /// <summary>What root can run to mend it, as lines of a shell script; empty when it takes a decision no script can make.</summary>
    public IReadOnlyList<string> RootCommands { get; init; } = [];

    /// <summary>Whether Install-BuildKit -Rootless, run by root, mends it as one of its steps.</summary>
    public bool ByInstaller { get; init; }

    /// <summary>Its name as it is shown.</summary>
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

    /// <summary>As a diagnosis shows it.</summary>
    public DiagnosisCheck ToDiagnosis() => new($"Rootless: {Name}", State, Evidence, Remedy);
}
