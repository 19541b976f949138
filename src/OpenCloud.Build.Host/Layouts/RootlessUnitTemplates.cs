using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Layouts;

/// <summary>The texts of a rootless engine: its unit, its settings, and the texts that share its socket.</summary>
internal sealed record RootlessUnitTemplates(RootlessPaths Layout, BuildKitVersion Version, string RootlessKit, string Network)
{
    private string Command =>
        $"{RootlessKit} --net={Network} --copy-up=/etc --disable-host-loopback {Layout.Prefix}/bin/buildkitd --config {Layout.Settings} --addr unix://{Layout.Socket}";

    /// <summary>
    /// The unit. buildkitd, which reports readiness, is a grandchild of the unit's main process: NotifyAccess=all. The unit must not
    /// set NoNewPrivileges or bound capabilities: newuidmap is set-uid. A system unit has no runtime directory of the user and no
    /// manager that keeps it: it sets the directory and requires the manager's unit. Otherwise buildkitd ends with
    /// "mkdir /run/buildkit: permission denied" (rootlesskit issue 246).
    /// </summary>
    public string Unit => OwnedText.Seal(
        $"""
        [Unit]
        Description=BuildKit without root{(Layout.SystemUnit ? $", of {Layout.User.Name}" : string.Empty)}
        Documentation=https://github.com/moby/buildkit
        {(Layout.SystemUnit ? $"Requires={Layout.ManagerUnit}\nAfter={Layout.ManagerUnit} network.target\n" : string.Empty)}
        [Service]
        Type=notify
        NotifyAccess=all
        {(Layout.SystemUnit ? $"User={Layout.User.Name}\nEnvironment=XDG_RUNTIME_DIR={Layout.RuntimeDirectory}\n" : string.Empty)}ExecStart={Command}
        Environment=PATH={Layout.Prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        Restart=always
        RestartSec=5
        # rootlesskit passes the signal on and ends when buildkitd has ended.
        KillMode=mixed
        Delegate=yes
        TasksMax=infinity
        OOMPolicy=continue

        [Install]
        WantedBy={(Layout.SystemUnit ? "multi-user.target" : "default.target")}

        """.Replace("\n\n\n", "\n\n", StringComparison.Ordinal));

    /// <summary>
    /// The drop-in that adds a second socket, in a directory that the group may enter. Inside the engine's user namespace the
    /// group's id has no mapping, so buildkitd cannot give the socket to it. A socket created in a set-gid directory belongs to
    /// the directory's group from the start, and group -1 makes buildkitd's chown keep that (chown(2)).
    /// </summary>
    public string Share => OwnedText.Seal(
        $"""
        [Service]
        ExecStart=
        ExecStart={Command} --addr unix://{Layout.SharedSocket} --group=-1

        """);

    /// <summary>The tmpfiles.d rule for the shared socket's directory: the engine's user writes, the group enters.</summary>
    public static string ShareRule(RootlessPaths layout, string group) => OwnedText.Seal(
        $"d {RootlessPaths.SharedRoot} 0755 root root -\nd {layout.SharedDirectory} 2750 {layout.User.Name} {group} -\n");

    /// <summary>The engine's settings: those of a root engine with the OCI worker, but with another state directory.</summary>
    public string Settings
    {
        get
        {
            string sealedText = new UnitTemplates(Layout.Prefix, string.Empty, BuildKitWorker.Oci, string.Empty, Version, false).Settings;
            string body = sealedText[(sealedText.IndexOf('\n', StringComparison.Ordinal) + 1)..];
            return OwnedText.Seal(body.Replace($"\"{SystemPaths.EngineState}\"", $"\"{Layout.State}\"", StringComparison.Ordinal));
        }
    }
}
