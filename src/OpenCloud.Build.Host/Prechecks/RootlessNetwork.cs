using System.Globalization;

namespace OpenCloud.Build.Host.Prechecks;

/// <summary>
/// Selects the program for a rootless engine's network: slirp4netns where it is installed, else pasta where rootlesskit supports it.
/// rootlesskit supports pasta since 2.0 and requires a pasta of 2023_06_25 or later. Where AppArmor restricts user namespaces,
/// pasta may not work (rootless-containers/rootlesskit, docs/network.md). Debian 12 has rootlesskit 1.1 and a pasta of
/// 2023_03_09, Debian 13 rootlesskit 2.0 and a pasta of 2025. Driver is the value for rootlesskit's option --net.
/// Program is null when none is suitable.
/// </summary>
internal sealed record RootlessNetwork(string Driver, string? Program, string Evidence)
{
    /// <summary>The preferred driver: rootlesskit recommends it, and it works with every version.</summary>
    public const string Slirp = "slirp4netns";

    public const string Pasta = "pasta";

    // Programs are searched for the names of their options instead of run: root does not run programs from a user's home, and
    // pasta 2025 prints nothing when its version goes to a pipe.
    private const string OptionOfRootlessKit = "pasta-binary";
    private const string OptionOfPasta = "no-copy-addrs";

    private const string Restriction = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

    /// <summary>Chooses the driver. rootlessKit is null before its package is installed; for an archive, ask <see cref="KnownBy"/> later.</summary>
    public static RootlessNetwork Choose(IHostView view, string? rootlessKit, bool bringsRootlessKit)
    {
        if (view.Find(Slirp) is { } slirp)
        {
            return new(Slirp, slirp, slirp);
        }

        if (view.Find(Pasta) is not { } pasta)
        {
            return new(Slirp, null, "neither slirp4netns nor pasta is in the system PATH");
        }

        string? against = view.ReadText(Restriction)?.Trim() == "1" ? "AppArmor restricts user namespaces, and pasta creates one"
            : !view.Contains(view.RealPath(pasta), OptionOfPasta) ? "it is older than 2023_06_25, the oldest version that rootlesskit supports"
            : bringsRootlessKit ? null
            : rootlessKit is not null ? (KnownBy(view, rootlessKit) ? null : $"{rootlessKit} does not support it (2.0 or later does)")
            : view.Candidate("rootlesskit") is { } version && Major(version) < 2 ? $"rootlesskit {version}, which will be installed, does not support it (2.0 or later does)"
            : null;
        return against is null
            ? new(Pasta, pasta, pasta)
            : new(Slirp, null, $"slirp4netns is not in the system PATH, and {pasta} is not used: {against}");
    }

    /// <summary>Whether a rootlesskit supports pasta.</summary>
    public static bool KnownBy(IHostView view, string rootlessKit) => view.Contains(view.RealPath(rootlessKit), OptionOfRootlessKit);

    // A version that is not a number counts as new.
    private static int Major(string version)
    {
        string digits = new([.. version[(version.IndexOf(':', StringComparison.Ordinal) + 1)..].TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int major) ? major : int.MaxValue;
    }
}
