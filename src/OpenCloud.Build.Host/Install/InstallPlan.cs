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
            throw new HostException(HostErrorKind.NotFound, "This module did not install BuildKit on this host.", "Use Install-BuildKit.");
        }

        if (options.Rollback && manifest?.Previous is null)
        {
            throw new HostException(HostErrorKind.NotFound, "There is no previous version to restore.", "Use Update-BuildKit -Version.");
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
                $"BuildKit is installed under {manifest.Prefix}; a second installation under {options.Prefix} is not supported.",
                "Run Uninstall-BuildKit first.",
                options.Prefix);
        }

        ContainerdPresence containerd = ContainerdPresence.Detect();
        bool systemd = Systemctl.IsRunning;
        (bool isolated, uint? vsockPort, BuildKitWorker worker) = DecideNetwork(options, manifest, warn);
        if (isolated && !systemd)
        {
            throw new HostException(HostErrorKind.Unsupported, "An isolated engine requires systemd, which this host does not use.", "Use a host with systemd, or do not use -Isolated.");
        }

        bool needsContainerd = worker == BuildKitWorker.Containerd && systemd;
        if (needsContainerd && !options.SkipContainerd && !containerd.IsThere && !Packages.Available)
        {
            throw new HostException(HostErrorKind.Unsupported, "This host does not have containerd, and does not have apt to install it.", "Install containerd 1.7 or later, or use -Worker Oci, which does not require containerd.");
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
            throw new HostException(HostErrorKind.InvalidInput, $"{version} is older than {BuildKitVersion.Lowest}, the oldest version that this module supports.", $"Use -Version {KnownReleases.Default}.");
        }

        return version;
    }

    private static void CheckNames(InstallOptions options)
    {
        if (!Path.IsPathRooted(options.Prefix) || options.Prefix.Contains("..", StringComparison.Ordinal) || options.Prefix.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '%' or '$' or '"' or '\'' or '\\' or ';'))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{AccountDatabase.Printable(options.Prefix)}' is not a valid prefix: an absolute path without spaces and special characters is required.", target: options.Prefix);
        }

        RequirePrefixOfRoot(options.Prefix);
        if (options.Namespace.Length is 0 or > 76 || !options.Namespace.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{AccountDatabase.Printable(options.Namespace)}' is not a valid containerd namespace.", target: options.Namespace);
        }

        if (AccountDatabase.FindGroup(options.Group) is not { } group)
        {
            AccountDatabase.CheckNewGroup(options.Group);
        }
        else if (group.Gid == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "The group 'root' cannot be used for access to an engine.", target: options.Group);
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
                $"Users other than root can write to '{open}', and could replace the programs below it.",
                $"Use a prefix that only root can write to, such as /usr/local, or restrict access to '{open}' (chown root:root, chmod go-w).",
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
                "Stop it and disable its unit, then run the command again.",
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
                ? throw new HostException(HostErrorKind.InvalidInput, "-VsockPort requires an isolated engine.", "Use -Isolated as well.")
                : (false, null, options.Worker ?? (before is { Isolated: true } ? before.Worker : BuildKitWorker.Containerd));
        }

        if (options.VsockPort == uint.MaxValue)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"{uint.MaxValue} is not a vsock port: this number means any port.", "Use a port between 1 and 4294967294.");
        }

        if (options.Worker == BuildKitWorker.Containerd)
        {
            throw new HostException(
                HostErrorKind.InvalidInput,
                "An isolated engine cannot use the worker Containerd: containerd is a daemon on the host's network.",
                "Use -Worker Oci, or do not use -Worker.");
        }

        if (options.Isolated is null)
        {
            warn("The existing engine is isolated and stays isolated. To give it the host's network, use -Isolated:$false.");
        }

        return (true, options.VsockPort is { } port ? (port == 0 ? null : port) : before?.VsockPort, BuildKitWorker.Oci);
    }
}
