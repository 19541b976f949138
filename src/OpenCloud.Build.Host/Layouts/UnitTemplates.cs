using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Layouts;

/// <summary>
/// The texts that are written to a host: units, the directory's tmpfiles.d rule, and the engine's settings. OrderAfterContainerd: the engine
/// needs containerd, which is a service of this host's systemd.
/// </summary>
internal sealed record UnitTemplates(string Prefix, string Group, BuildKitWorker Worker, string Namespace, BuildKitVersion Version, bool OrderAfterContainerd)
{
    /// <summary>The settings of an engine without a network; null for an engine in the host's network.</summary>
    public Isolation? Isolation { get; init; }

    /// <summary>The TCP address and certificates of the engine; null for none.</summary>
    public TlsListener? Tls { get; init; }

    public string Program => $"{Prefix}/bin/buildkitd";

    public string Tmpfiles => OwnedText.Seal($"d {SystemPaths.SocketDirectory} 2755 root {Group} -\n");

    public string Socket => OwnedText.Seal(
        $"""
        [Unit]
        Description=Socket of BuildKit for the group {Group}
        Documentation=https://github.com/moby/buildkit

        [Socket]
        ListenStream={SystemPaths.SocketPath}
        SocketUser=root
        SocketGroup={Group}
        SocketMode=0660
        DirectoryMode=2755
        # A socket file that outlived its listener refuses connections instead of being absent.
        RemoveOnStop=yes

        [Install]
        WantedBy=sockets.target

        """);

    /// <summary>
    /// The service unit. Build steps inherit this unit's seccomp filter, capability bounds and no_new_privs, and with the
    /// containerd worker buildkitd's mounts must reach containerd. So: no NoNewPrivileges (su and sudo in a RUN), no
    /// LockPersonality or SystemCallArchitectures (32-bit builds), no RestrictSUIDSGID or RestrictRealtime (chmod u+s in a RUN),
    /// no MemoryDenyWriteExecute (every JIT), and no option that gives the service its own mount namespace (Protect*,
    /// Private*, ReadOnlyPaths) — except with the OCI worker, where only buildkitd itself uses its mounts.
    /// </summary>
    public string Service => OwnedText.Seal(
        $"""
        [Unit]
        Description=BuildKit
        Documentation=https://github.com/moby/buildkit
        Requires={SystemPaths.SocketUnit}
        After={SystemPaths.SocketUnit} network.target
        {(OrderAfterContainerd ? "Requires=containerd.service\nAfter=containerd.service\n" : string.Empty)}
        [Service]
        Type=notify
        ExecStart={Program} --config {SystemPaths.SettingsPath} --addr fd://{Tls?.Options}
        Environment=PATH={Prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        Restart=always
        RestartSec=5
        # Build steps may need what they need: no bound here but the machine's own, and the steps are not killed with the engine.
        LimitNOFILE=1048576
        LimitNPROC=infinity
        TasksMax=infinity
        Delegate=yes
        OOMPolicy=continue
        # What no build step may do anyway (its own seccomp profile and capabilities forbid it), the engine may not do either.
        CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_BOOT CAP_SYS_TIME CAP_SYS_RAWIO CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_SYS_PACCT CAP_LEASE
        SystemCallFilter=~@module @reboot @swap @raw-io
        SystemCallErrorNumber=EPERM
        KeyringMode=private
        {(Worker == BuildKitWorker.Oci ? "ProtectHome=read-only\nProtectClock=yes\n" : string.Empty)}{(Isolation is null ? string.Empty : Isolation.ServiceLines)}
        [Install]
        WantedBy=multi-user.target
        {(Isolation is null ? string.Empty : Isolation.ServiceLabels)}
        """.Replace("\n\n\n", "\n\n", StringComparison.Ordinal));

    /// <summary>
    /// The engine's settings. Since v0.17.0 there are three bounds: reservedSpace is always kept, maxUsedSpace is never
    /// exceeded, minFreeSpace is left free. keepBytes is the only bound that v0.16 knows; later versions treat it as a floor
    /// only (cmd/buildkitd/config/config.go and gcpolicy.go of both).
    /// </summary>
    public string Settings
    {
        get
        {
            string worker = Worker == BuildKitWorker.Containerd ? "containerd" : "oci";
            string bounds = Version < BuildKitVersion.Parse("v0.17.0")
                ? $"""
                  [[worker.{worker}.gcpolicy]]
                    filters = ["type==source.local,type==exec.cachemount,type==source.git.checkout"]
                    keepDuration = "48h"
                    keepBytes = "512MB"
                  [[worker.{worker}.gcpolicy]]
                    keepDuration = "1440h"
                    keepBytes = "50%"
                  [[worker.{worker}.gcpolicy]]
                    keepBytes = "50%"
                  [[worker.{worker}.gcpolicy]]
                    all = true
                    keepBytes = "50%"

                  """
                : """
                  # What is always kept, what is never exceeded, and what is left free for everything else on the disk.
                  reservedSpace = "10%"
                  maxUsedSpace = "50%"
                  minFreeSpace = "20%"

                  """;
            string choice = Worker == BuildKitWorker.Containerd
                ? $"""
                  [worker.oci]
                  enabled = false

                  [worker.containerd]
                  enabled = true
                  address = "{ContainerdPresence.Socket}"
                  namespace = "{Namespace}"
                  gc = true

                  """
                : """
                  [worker.containerd]
                  enabled = false

                  [worker.oci]
                  enabled = true
                  gc = true

                  """;
            return OwnedText.Seal($"root = \"{SystemPaths.EngineState}\"\n\n{choice}{Isolation?.WorkerLines}{bounds}{(Isolation is null ? string.Empty : Isolation.WorkerLabels)}");
        }
    }
}
