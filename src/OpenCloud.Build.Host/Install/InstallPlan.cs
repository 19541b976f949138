using System.Net.Sockets;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>The decisions made before anything is changed. Socket and Service are null without systemd; null UpgradeContainerd keeps its version.</summary>
internal sealed record InstallPlan(
    BuildKitVersion Version,
    UnitTemplates Texts,
    ContainerdPresence Containerd,
    bool InstallContainerd,
    string? UpgradeContainerd,
    UnitDecision? Socket,
    UnitDecision? Service)
{
    public bool Systemd => Service is not null;

    /// <summary>Makes the plan and refuses impossible requests. refresh fetches the package lists anew; null uses the present ones.</summary>
    /// <exception cref="HostException">The request is impossible; nothing is changed.</exception>
    public static InstallPlan Make(InstallOptions options, InstallationManifest? manifest, bool update, Action<string> warn, Action? refresh = null)
    {
        if (update && manifest is not { IsInstalled: true })
        {
            throw new HostException(HostErrorKind.NotFound, "This module has not installed BuildKit here.", "Use Install-BuildKit.");
        }

        if (options.Rollback && manifest?.Previous is null)
        {
            throw new HostException(HostErrorKind.NotFound, "No earlier version is kept here.", "Use Update-BuildKit -Version.");
        }

        if (update)
        {
            options = options with
            {
                Prefix = manifest!.Prefix,
                Worker = manifest.Worker,
                Namespace = manifest.Namespace,
                Group = manifest.Group,
                Isolated = manifest.Isolated,
                VsockPort = manifest.VsockPort,
            };
        }

        BuildKitVersion version = Release(options, manifest);
        foreach (string known in KnownReleases.VulnerabilitiesOf(version))
        {
            warn($"BuildKit {version}: {known}.");
        }

        CheckNames(options);
        if (manifest is { IsInstalled: true } && manifest.Prefix != options.Prefix)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"BuildKit is installed under {manifest.Prefix}; installing it under {options.Prefix} as well would leave two.",
                "Uninstall-BuildKit first.",
                options.Prefix);
        }

        ContainerdPresence containerd = ContainerdPresence.Detect();
        bool systemd = Systemctl.IsRunning;
        (bool isolated, uint? vsockPort, BuildKitWorker worker) = DecideNetwork(options, manifest, warn);
        if (isolated && !systemd)
        {
            throw new HostException(HostErrorKind.Unsupported, "This host has no systemd, which is what keeps the network from an isolated engine.", "Use a host with systemd, or leave out -Isolated.");
        }

        bool needsContainerd = worker == BuildKitWorker.Containerd && systemd;
        if (needsContainerd && !options.SkipContainerd && !containerd.IsThere && !Packages.Available)
        {
            throw new HostException(HostErrorKind.Unsupported, "This host has no containerd, and no apt to install it with.", "Install containerd 1.7 or newer, or use -Worker Oci, which needs none.");
        }

        bool installPackage = needsContainerd && !options.SkipContainerd && !containerd.IsThere;
        UnitTemplates texts = new(
            options.Prefix.TrimEnd('/') is { Length: > 0 } prefix ? prefix : "/",
            options.Group,
            worker,
            options.Namespace,
            version,
            needsContainerd && (installPackage || containerd.HasUnit));
        if (isolated)
        {
            texts = texts with { Isolation = new Isolation(texts.Prefix, options.Group, vsockPort) };
            IsolationSteps.Check(texts);
        }

        if (systemd)
        {
            RefuseForeignEngine();
        }

        bool upgrades = needsContainerd && !options.SkipContainerd && containerd is { Vulnerabilities.Count: > 0, FromPackage: not null };
        if (upgrades)
        {
            refresh?.Invoke();
        }

        return new InstallPlan(
            version,
            texts,
            containerd,
            installPackage,
            upgrades ? containerd.NewerPackage() : null,
            systemd ? UnitDecision.ForSocket(texts) : null,
            systemd ? UnitDecision.ForService(texts) : null);
    }

    private static BuildKitVersion Release(InstallOptions options, InstallationManifest? manifest)
    {
        BuildKitVersion? installed = manifest is not { IsInstalled: true } ? null : BuildKitVersion.Parse(manifest.Version);
        BuildKitVersion version = options.Rollback ? BuildKitVersion.Parse(manifest!.Previous!.Version)
            : options.Version ?? (installed is not null && installed > KnownReleases.Default ? installed : KnownReleases.Default);
        if (version < BuildKitVersion.Lowest)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"{version} is older than {BuildKitVersion.Lowest}, the lowest version this module drives.", $"Use -Version {KnownReleases.Default}.");
        }

        return version;
    }

    private static void CheckNames(InstallOptions options)
    {
        if (!Path.IsPathRooted(options.Prefix) || options.Prefix.Contains("..", StringComparison.Ordinal) || options.Prefix.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '%' or '$' or '"' or '\'' or '\\' or ';'))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{AccountDatabase.Printable(options.Prefix)}' cannot be a prefix: a full path without spaces and special characters is needed.", target: options.Prefix);
        }

        RequirePrefixOfRoot(options.Prefix);
        if (options.Namespace.Length is 0 or > 76 || !options.Namespace.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{AccountDatabase.Printable(options.Namespace)}' cannot be a containerd namespace.", target: options.Namespace);
        }

        if (AccountDatabase.FindGroup(options.Group) is not { } group)
        {
            AccountDatabase.CheckNewGroup(options.Group);
        }
        else if (group.Gid == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "The group root is no group to open an engine to.", target: options.Group);
        }
    }

    /// <summary>Refuses a prefix below a folder that others can write to: they could replace programs that root runs from there.</summary>
    /// <exception cref="HostException">The prefix is below such a folder.</exception>
    internal static void RequirePrefixOfRoot(string prefix)
    {
        if (DirectoryWalk.FirstOpenToOthers(Path.Combine(prefix, "bin"), 0) is { } open)
        {
            throw new HostException(
                HostErrorKind.InvalidInput,
                $"Others than root can write to '{open}', and could exchange the programs below it.",
                $"Use a prefix that is root's from the first folder on, as /usr/local usually is, or close '{open}' (chown root:root, chmod go-w).",
                prefix);
        }
    }

    private static void RefuseForeignEngine()
    {
        if (!File.Exists(SystemPaths.SocketPath) || Systemctl.IsActive(SystemPaths.SocketUnit) || Identity.Current().Uid != 0)
        {
            return;
        }

        try
        {
            using Socket socket = UnixSocket.Connect(SystemPaths.SocketPath, UnixSocket.Patience, CancellationToken.None);
            PeerCredentials peer = PeerCredentials.Of(socket);
            if (Systemctl.UnitOf(peer.Pid) == SystemPaths.ServiceUnit)
            {
                return;
            }

            throw new HostException(
                HostErrorKind.Conflict,
                $"{peer.Program ?? "A process"} ({peer.Pid}, {Systemctl.UnitOf(peer.Pid) ?? "no unit"}) already listens on {SystemPaths.SocketPath}.",
                "Stop it (and disable its unit), then run it again.",
                SystemPaths.SocketPath);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // No listener: a stale file, which systemd replaces.
        }
    }

    /// <summary>Decides about the network: the requested setting, else the installed one. Reports when an engine stays isolated unasked.</summary>
    /// <exception cref="HostException">The request is impossible.</exception>
    private static (bool IsIsolated, uint? VsockPort, BuildKitWorker Worker) DecideNetwork(InstallOptions options, InstallationManifest? manifest, Action<string> warn)
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
            warn("The engine here was installed without a network and stays so. -Isolated:$false would open it.");
        }

        return (true, options.VsockPort is { } port ? (port == 0 ? null : port) : before?.VsockPort, BuildKitWorker.Oci);
    }
}
