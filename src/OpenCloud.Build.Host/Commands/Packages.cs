using System.Diagnostics;

namespace OpenCloud.Build.Host.Commands;

/// <summary>The distribution's packages, through dpkg and apt.</summary>
internal static class Packages
{
    // Bounds the wait for a mirror that does not answer, or a lock that is never released.
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan LockTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LockInterval = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, string> Quiet = new()
    {
        ["DEBIAN_FRONTEND"] = "noninteractive",
        ["NEEDRESTART_MODE"] = "l",
        ["APT_LISTCHANGES_FRONTEND"] = "none",
    };

    public static bool Available => HostCommand.Find("apt-get") is not null && HostCommand.Find("dpkg-query") is not null;

    public static IReadOnlyList<string> Installed() => Query(state => state == "installed");

    /// <summary>The names of packages that are installed, or whose installation was interrupted.</summary>
    public static IReadOnlyList<string> Present() => Query(state => state is not ("not-installed" or "config-files"));

    /// <summary>The names of packages that are installed, half installed, or left their configuration.</summary>
    public static IReadOnlyList<string> Known() => Query(state => state != "not-installed");

    /// <summary>The packages that installing a package would install, including itself.</summary>
    public static IReadOnlyList<string> WouldInstall(string package, CancellationToken cancellationToken)
    {
        CommandResult simulated = HostCommand.Run("apt-get", ["install", "--simulate", "--no-install-recommends", "-q", "--", package], cancellationToken, Quiet);
        return simulated.ExitCode != 0
            ? [package]
            : [.. simulated.Output.Split('\n').Where(line => line.StartsWith("Inst ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
    }

    /// <summary>
    /// Fetches the package lists anew, because the present ones may be older than a fix. On failure the present lists stay. apt itself does not
    /// wait for another holder of the lists' lock.
    /// </summary>
    /// <returns>Null on success; else the reason of the failure.</returns>
    public static string? Refresh(CancellationToken cancellationToken)
    {
        if (!Available)
        {
            return "this host does not have apt";
        }

        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(FetchTimeout);
            CommandResult done;
            try
            {
                done = HostCommand.Run(
                    "apt-get",
                    ["update", "-q", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20", "-o", "APT::Update::Error-Mode=any"],
                    limit.Token,
                    Quiet);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return $"it took longer than {FetchTimeout.TotalMinutes:0} minutes";
            }

            if (done.ExitCode == 0)
            {
                return null;
            }

            if (!done.Error.Contains("Could not get lock", StringComparison.Ordinal) || Stopwatch.GetElapsedTime(start) > LockTimeout)
            {
                return done.Tail(3).ReplaceLineEndings(" ");
            }

            cancellationToken.WaitHandle.WaitOne(LockInterval);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The package version that apt would install now; null when apt knows none.</summary>
    public static string? Candidate(string package)
    {
        if (HostCommand.Find("apt-cache") is null)
        {
            return null;
        }

        const string Label = "Candidate:";
        string? line = HostCommand.Run("apt-cache", ["policy", "--", package], environment: new Dictionary<string, string> { ["LC_ALL"] = "C" })
            .Output.Split('\n').Select(text => text.Trim()).FirstOrDefault(text => text.StartsWith(Label, StringComparison.Ordinal));
        return line?[Label.Length..].Trim() is { Length: > 0 } version and not "(none)" ? version : null;
    }

    /// <summary>The package that owns a file, and its version; null when no package does.</summary>
    public static (string Name, string Version)? OwnerOf(string path)
    {
        if (HostCommand.Find("dpkg-query") is null)
        {
            return null;
        }

        // "containerd: /usr/bin/containerd", "libc6:amd64: /lib/…"; with a merged /usr the database may have the other path.
        string owner = HostCommand.Run("dpkg-query", ["--search", "--", path]) is { ExitCode: 0 } found ? found.Output.Split('\n')[0] : string.Empty;
        string name = owner.Contains(": ", StringComparison.Ordinal) ? owner[..owner.IndexOf(": ", StringComparison.Ordinal)] : string.Empty;
        string version = name.Length == 0 || name.Contains(',', StringComparison.Ordinal)
            ? string.Empty
            : HostCommand.Run("dpkg-query", ["--show", "--showformat", "${Version}", "--", name]).Output.Trim();
        return version.Length == 0 ? null : (name.Split(':')[0], version);
    }

    /// <summary>Whether a package's version is newer than another (deb-version(7)).</summary>
    public static bool IsNewer(string version, string than)
        => HostCommand.Run("dpkg", ["--compare-versions", version, "gt", than]).ExitCode == 0;

    /// <summary>Upgrades an installed package to the newest version that apt has; its configuration is kept.</summary>
    public static void Upgrade(string package, CancellationToken cancellationToken)
    {
        CommandResult upgraded = FetchThenInstall(["--only-upgrade", "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "--", package], cancellationToken);
        if (upgraded.ExitCode != 0)
        {
            throw new HostException(
                HostErrorKind.CommandFailed,
                $"The package {package} cannot be upgraded: {upgraded.Tail(4)}",
                $"Run 'apt-get install --only-upgrade {package}' and fix the error that it reports, or use -SkipContainerd to keep the installed version.",
                package);
        }
    }

    /// <summary>Installs a package; fetches the package lists anew only when the present ones do not suffice.</summary>
    public static void Install(string package, Action<string> report, CancellationToken cancellationToken, string? remedy = null)
    {
        // A killed run may have left packages half installed; apt refuses to continue from there.
        Repair();
        CommandResult first = FetchThenInstall(["--", package], cancellationToken);
        if (first.ExitCode == 0)
        {
            return;
        }

        report($"apt-get says: {first.Tail(3)}; updating the package lists.");
        string update = Refresh(cancellationToken) ?? string.Empty;
        CommandResult second = FetchThenInstall(["--", package], cancellationToken);
        if (second.ExitCode != 0)
        {
            bool offline = (update + second.Error).Contains("resolv", StringComparison.OrdinalIgnoreCase) ||
                (update + second.Error).Contains("connect", StringComparison.OrdinalIgnoreCase);
            throw new HostException(
                HostErrorKind.CommandFailed,
                $"The package {package} cannot be installed: {second.Tail(4)}",
                remedy is not null
                    ? $"Run 'apt-get install {package}' to see the error. {remedy}"
                    : offline
                    ? "This host has no access to its package source. Provide access, install containerd another way and use -SkipContainerd, or use -Worker Oci, which does not require containerd."
                    : $"Run 'apt-get install {package}' and fix the error that it reports, or use -Worker Oci, which does not require containerd.",
                package);
        }
    }

    /// <summary>
    /// Completes an interrupted installation. A package whose unpacking was interrupted is unpacked again, because dpkg does not
    /// know all its files and could not remove them.
    /// </summary>
    public static void Repair()
    {
        HostCommand.Run("dpkg", ["--configure", "-a"], environment: Quiet);
        string[] broken = HalfUnpacked();
        if (broken.Length > 0)
        {
            HostCommand.Run("apt-get", ["install", "--reinstall", "-y", "-q", "--no-install-recommends", "--", .. broken], environment: Quiet);
        }

        if (HalfUnpacked() is { Length: > 0 } lost)
        {
            HostCommand.Run("dpkg", ["--purge", "--force-remove-reinstreq", "--force-depends", "--", .. lost], environment: Quiet);
        }
    }

    // dpkg records "unpacked" while the package is still flagged for reinstallation (dpkg(1), Package states and Package flags), and
    // does not configure such a package.
    private static string[] HalfUnpacked() => Query(static (state, flag) => state == "half-installed" || flag == "reinstreq");

    public static void Purge(IReadOnlyList<string> packages)
        => HostCommand.Require("apt-get", ["purge", "-y", "-q", "--", .. packages], environment: Quiet);

    // Fetching can be stopped; dpkg is not interrupted, and its changes are undone afterward.
    private static CommandResult FetchThenInstall(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        string[] install = ["install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
        CommandResult fetched = HostCommand.Run("apt-get", [.. install, "--download-only", .. arguments], cancellationToken, Quiet);
        return fetched.ExitCode != 0 ? fetched : HostCommand.Run("apt-get", [.. install, .. arguments], default, Quiet);
    }

    private static string[] Query(Func<string, bool> wanted) => Query((state, _) => wanted(state));

    private static string[] Query(Func<string, string, bool> wanted)
    {
        CommandResult answer = HostCommand.Run("dpkg-query", ["--show", "--showformat", "${binary:Package} ${db:Status-Status} ${db:Status-Eflag}\n"]);
        return [.. answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .Where(parts => wanted(parts[1], parts[2]))
            .Select(parts => parts[0])];
    }
}
