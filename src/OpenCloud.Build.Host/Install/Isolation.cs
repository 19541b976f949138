using System.Globalization;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// The texts of an engine without a network. Its service has a network namespace of its own with nothing but loopback
/// (PrivateNetwork=, systemd.exec(5)), which cuts off what buildkitd fetches and pushes itself. Its build steps would share that
/// namespace; so that each has one of its own, as with <c>--network=none</c>, BuildKit is told to set up networks with a
/// plugin (CNI specification 1.0) that sets up none: BuildKit's own settings know the modes auto, cni, bridge and host only, in
/// v0.16.0 as in v0.32.2 (util/network/netproviders).
/// </summary>
/// <remarks>
/// The worker is BuildKit's own. containerd is a daemon outside the service's namespaces: with it as the worker, steps without a
/// network setup of their own would run in the network of the host, whatever the service's unit says.
/// </remarks>
/// <param name="Prefix">Where the programs are.</param>
/// <param name="Group">The group that may use the engine.</param>
/// <param name="VsockPort">The port of AF_VSOCK at which it is reached as well; null for none.</param>
internal sealed record Isolation(string Prefix, string Group, uint? VsockPort)
{
    /// <summary>The socket unit of the vsock port.</summary>
    public const string VsockSocketUnit = "buildkit-vsock.socket";

    /// <summary>The proxy between the vsock port and the engine's socket.</summary>
    public const string VsockServiceUnit = "buildkit-vsock.service";

    /// <summary>Where the socket unit is written.</summary>
    public const string VsockSocketUnitPath = "/etc/systemd/system/" + VsockSocketUnit;

    /// <summary>Where the proxy's unit is written.</summary>
    public const string VsockServiceUnitPath = "/etc/systemd/system/" + VsockServiceUnit;

    /// <summary>systemd's own proxy (systemd-socket-proxyd(8)).</summary>
    public const string Proxy = "/usr/lib/systemd/systemd-socket-proxyd";

    /// <summary>The label of the worker that says who installed it.</summary>
    public const string ManagedLabel = "build.opencloud.managed-by";

    /// <summary>The label of the worker that says which network it has.</summary>
    public const string NetworkLabel = "build.opencloud.network";

    /// <summary>Where the plugin is; only this module writes there.</summary>
    public string Folder => FolderOf(Prefix);

    /// <summary>The folders that are made for it, outermost first.</summary>
    public IReadOnlyList<string> Folders => [Path.GetDirectoryName(Folder)!, Folder];

    /// <summary>The plugin under its two names: CNI's libraries ask for loopback by that name.</summary>
    public IReadOnlyList<string> Plugins => [$"{Folder}/no-network", $"{Folder}/loopback"];

    /// <summary>Which plugins set up a step's network.</summary>
    public string NetworksPath => $"{Folder}/no-network.conflist";

    /// <summary>
    /// The list of plugins: JSON, which has no comments. Its name is not that of a plugin, beside which it lies: libcni reads
    /// more plugins from a folder of the list's name.
    /// </summary>
    public static string Networks => """
        {"cniVersion":"1.0.0","name":"opencloud.build-isolated","plugins":[{"type":"no-network"}]}

        """;

    /// <summary>
    /// The plugin. It only answers as it must, and brings the step's loopback up, which programs under test often want: with
    /// nsenter and perl, which are parts of every Debian and Ubuntu; where they are not, loopback stays down.
    /// </summary>
    public static string Plugin => """
        #!/bin/sh
        # Written by OpenCloud.Build: the network of build steps on an engine that has none.
        cat > /dev/null
        case "$CNI_COMMAND" in
          ADD)
            if [ "$CNI_IFNAME" = lo ]; then
              # struct ifreq: the name, then the flags IFF_UP and IFF_RUNNING; 0x8914 is SIOCSIFFLAGS (netdevice(7)).
              nsenter --net="$CNI_NETNS" -- perl -e 'socket(S, 2, 2, 0); $r = pack("a16 s x22", "lo", 0x41); ioctl(S, 0x8914, $r)' > /dev/null 2>&1 || :
            fi
            printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}],"ips":[]}\n' "$CNI_IFNAME" "$CNI_NETNS" ;;
          VERSION)
            echo '{"cniVersion":"1.0.0","supportedVersions":["0.3.1","0.4.0","1.0.0"]}' ;;
        esac

        """;

    /// <summary>What the service's unit has more.</summary>
    public static string ServiceLines => "# No network at all: a namespace with nothing but loopback.\nPrivateNetwork=yes\n";

    /// <summary>What marks the unit, in a section that systemd passes over (systemd.syntax(7)).</summary>
    public static string ServiceLabels => "\n[X-OpenCloud.Build]\nIsolated=yes\n";

    /// <summary>What the worker's settings have more.</summary>
    public string WorkerLines =>
        $"""
        # Each step gets a network namespace of its own, in which nothing is.
        networkMode = "cni"
        cniConfigPath = "{NetworksPath}"
        cniBinaryPath = "{Folder}"

        """;

    /// <summary>The worker's labels, a table of its own.</summary>
    public static string WorkerLabels =>
        $"""

        [worker.oci.labels]
        "{ManagedLabel}" = "OpenCloud.Build"
        "{NetworkLabel}" = "none"

        """;

    /// <summary>The socket unit of the vsock port.</summary>
    public string VsockSocket => OwnedText.Seal(string.Create(CultureInfo.InvariantCulture,
        $"""
        [Unit]
        Description=BuildKit at the vsock port {VsockPort}
        Documentation=https://github.com/moby/buildkit

        [Socket]
        # Any context id: the host of this virtual machine, and this machine itself.
        ListenStream=vsock::{VsockPort}

        [Install]
        WantedBy=sockets.target

        """));

    /// <summary>
    /// The proxy: BuildKit listens on no vsock, nor can Go adopt one. Type= stays simple, because systemd 252's proxy never says
    /// that it is ready. Its user is made for it and is in the group, without which it could accept and not connect.
    /// </summary>
    public string VsockService => OwnedText.Seal(
        $"""
        [Unit]
        Description=From vsock to BuildKit
        Documentation=man:systemd-socket-proxyd(8)
        Requires={VsockSocketUnit} {HostTexts.SocketUnit}
        After={VsockSocketUnit} {HostTexts.SocketUnit}

        [Service]
        ExecStart={Proxy} --exit-idle-time=10min {HostTexts.SocketPath}
        DynamicUser=yes
        SupplementaryGroups={Group}
        PrivateNetwork=yes
        PrivateDevices=yes
        ProtectHome=yes
        ProtectKernelTunables=yes
        ProtectControlGroups=yes
        RestrictAddressFamilies=AF_UNIX
        CapabilityBoundingSet=
        SystemCallFilter=@system-service
        LimitNOFILE=65536

        """);

    /// <summary>Where the plugin is under a prefix.</summary>
    public static string FolderOf(string prefix) => $"{prefix.TrimEnd('/')}/libexec/opencloud.build";

    /// <summary>Whether a recorded change belongs to the vsock port.</summary>
    public static bool IsOfVsock(string target) => target is VsockSocketUnit or VsockServiceUnit or VsockSocketUnitPath or VsockServiceUnitPath;

    /// <summary>Whether a recorded change belongs to the plugin, or to what the engine notes of its answers.</summary>
    public static bool IsOfPlugin(string target, string prefix)
        => target == FolderOf(prefix) || target == CniResults.Folder || target.StartsWith(FolderOf(prefix) + "/", StringComparison.Ordinal) || target == Path.GetDirectoryName(FolderOf(prefix));

    /// <summary>Decides about the network: what was asked for, else what is installed.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="manifest">What is installed; null when nothing is.</param>
    /// <param name="tell">Told when an engine stays isolated though nobody asked for it this time.</param>
    /// <exception cref="HostException">What was asked for cannot be.</exception>
    public static (bool IsIsolated, uint? VsockPort, BuildKitWorker Worker) Decide(InstallOptions options, InstallationManifest? manifest, Action<string> tell)
    {
        InstallationManifest? before = manifest is { IsInstalled: true } ? manifest : null;
        bool isolated = options.Isolated ?? before?.Isolated ?? false;
        if (!isolated)
        {
            return options.VsockPort is > 0
                ? throw new HostException(HostErrorKind.InvalidInput, "A vsock port belongs to an engine without a network.", "Give -Isolated as well.")
                : (false, null, options.Worker ?? (before is { Isolated: true } ? before.Worker : BuildKitWorker.Containerd));
        }

        if (options.VsockPort == uint.MaxValue)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"{uint.MaxValue} is no vsock port: it stands for any.", "Use one between 1 and 4294967294.");
        }

        if (options.Worker == BuildKitWorker.Containerd)
        {
            throw new HostException(
                HostErrorKind.InvalidInput,
                "An isolated engine cannot have the worker containerd: that is a daemon with the network of the host, outside what isolates BuildKit.",
                "Leave out -Worker, or use -Worker Oci.");
        }

        if (options.Isolated is null)
        {
            tell("The engine here was installed without a network and stays so. -Isolated:$false would open it.");
        }

        return (true, options.VsockPort is { } port ? (port == 0 ? null : port) : before?.VsockPort, BuildKitWorker.Oci);
    }
}
