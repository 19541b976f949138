using System.Globalization;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Layouts;

/// <summary>
/// The texts of an engine without a network. Its service has its own network namespace with only loopback (PrivateNetwork=,
/// systemd.exec(5)), so buildkitd itself cannot fetch or push. Its build steps would share that namespace. To give each step its
/// own, as with <c>--network=none</c>, BuildKit is configured to set up networks with a plugin (CNI specification 1.0) that sets
/// up none: BuildKit's own settings know the modes auto, cni, bridge and host only, in v0.16.0 as in v0.32.2
/// (util/network/netproviders).
/// </summary>
/// <remarks>
/// The worker is BuildKit's own. containerd is a daemon outside the service's namespaces: with the containerd worker, steps without
/// their own network setup would run in the host's network, whatever the service's unit says.
/// </remarks>
internal sealed record Isolation(string Prefix, string Group, uint? VsockPort)
{
    public const string VsockSocketUnit = "buildkit-vsock.socket";

    /// <summary>The proxy between the vsock port and the engine's socket.</summary>
    public const string VsockServiceUnit = "buildkit-vsock.service";

    public const string VsockSocketUnitPath = "/etc/systemd/system/" + VsockSocketUnit;

    public const string VsockServiceUnitPath = "/etc/systemd/system/" + VsockServiceUnit;

    /// <summary>systemd's own proxy (systemd-socket-proxyd(8)).</summary>
    public const string Proxy = "/usr/lib/systemd/systemd-socket-proxyd";

    /// <summary>The worker's label that names the installer.</summary>
    public const string ManagedLabel = "build.opencloud.managed-by";

    /// <summary>The worker's label that names its network.</summary>
    public const string NetworkLabel = "build.opencloud.network";

    /// <summary>The plugin's folder; only this module writes there.</summary>
    public string Folder => FolderOf(Prefix);

    /// <summary>The folders to create, outermost first.</summary>
    public IReadOnlyList<string> Folders => [Path.GetDirectoryName(Folder)!, Folder];

    /// <summary>The plugin under its two names: CNI's libraries request loopback by that name.</summary>
    public IReadOnlyList<string> Plugins => [$"{Folder}/no-network", $"{Folder}/loopback"];

    public string NetworksPath => $"{Folder}/no-network.conflist";

    /// <summary>
    /// The list of plugins: JSON, which has no comments. Its "name" is not that of a plugin beside it: libcni reads
    /// more plugins from a folder of that name.
    /// </summary>
    public static string Networks => """
        {"cniVersion":"1.0.0","name":"opencloud.build-isolated","plugins":[{"type":"no-network"}]}

        """;

    /// <summary>
    /// The plugin. It gives the required answers only and brings the step's loopback up, which programs under test often need. It uses
    /// nsenter and perl, which every Debian and Ubuntu has; without them, loopback stays down.
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

    /// <summary>The additional lines of the service's unit.</summary>
    public static string ServiceLines => "# No network at all: a namespace with nothing but loopback.\nPrivateNetwork=yes\n";

    /// <summary>The marker of the unit, in a section that systemd ignores (systemd.syntax(7)).</summary>
    public static string ServiceLabels => "\n[X-OpenCloud.Build]\nIsolated=yes\n";

    /// <summary>The additional lines of the worker's settings.</summary>
    public string WorkerLines =>
        $"""
        # Each step gets a network namespace of its own, in which nothing is.
        networkMode = "cni"
        cniConfigPath = "{NetworksPath}"
        cniBinaryPath = "{Folder}"

        """;

    /// <summary>The worker's labels, as a separate TOML table.</summary>
    public static string WorkerLabels =>
        $"""

        [worker.oci.labels]
        "{ManagedLabel}" = "OpenCloud.Build"
        "{NetworkLabel}" = "none"

        """;

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
    /// The proxy's unit: BuildKit does not listen on vsock, and Go cannot adopt such a socket. Type= stays simple, because systemd 252's
    /// proxy never reports readiness. Its dedicated user is in the group; otherwise it could accept connections but not connect.
    /// </summary>
    public string VsockService => OwnedText.Seal(
        $"""
        [Unit]
        Description=From vsock to BuildKit
        Documentation=man:systemd-socket-proxyd(8)
        Requires={VsockSocketUnit} {SystemPaths.SocketUnit}
        After={VsockSocketUnit} {SystemPaths.SocketUnit}

        [Service]
        ExecStart={Proxy} --exit-idle-time=10min {SystemPaths.SocketPath}
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

    public static string FolderOf(string prefix) => $"{prefix.TrimEnd('/')}/libexec/opencloud.build";

    /// <summary>Whether a recorded change belongs to the vsock port.</summary>
    public static bool IsOfVsock(string target) => target is VsockSocketUnit or VsockServiceUnit or VsockSocketUnitPath or VsockServiceUnitPath;

    /// <summary>Whether a recorded change belongs to the plugin, or to the engine's records of its results.</summary>
    public static bool IsOfPlugin(string target, string prefix)
        => target == FolderOf(prefix) || target == CniResults.Folder || target.StartsWith(FolderOf(prefix) + "/", StringComparison.Ordinal) || target == Path.GetDirectoryName(FolderOf(prefix));
}
