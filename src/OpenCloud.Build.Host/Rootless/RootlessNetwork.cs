using System.Globalization;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>
/// Which program gives an engine without root its network: slirp4netns where it is, else pasta where it and rootlesskit get along.
/// rootlesskit knows pasta from 2.0 on, and wants one of 2023_06_25 or later, and on hosts where AppArmor restricts user namespaces
/// pasta may not do its work (rootless-containers/rootlesskit, docs/network.md). Debian 12 has rootlesskit 1.1 and a pasta of
/// 2023_03_09, Debian 13 rootlesskit 2.0 and a pasta of 2025.
/// </summary>
/// <param name="Driver">As rootlesskit's option --net takes it.</param>
/// <param name="Program">The program; null when there is none that would do.</param>
/// <param name="Evidence">What was seen.</param>
internal sealed record RootlessNetwork(string Driver, string? Program, string Evidence)
{
    /// <summary>The driver that is preferred: rootlesskit recommends it, and it works with every version.</summary>
    public const string Slirp = "slirp4netns";

    /// <summary>The other one.</summary>
    public const string Pasta = "pasta";

    // Programs are asked by the options' names that they have in them: those in a user's home are not run by root, and pasta 2025
    // prints its version into a pipe as nothing.
    private const string OptionOfRootlessKit = "pasta-binary";
    private const string OptionOfPasta = "no-copy-addrs";

    private const string Restriction = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

    /// <summary>Chooses.</summary>
    /// <param name="view">What there is.</param>
    /// <param name="rootlessKit">The program rootlesskit; null where its package is yet to be installed.</param>
    /// <param name="bringsRootlessKit">It comes out of an archive, which <see cref="KnownBy"/> is asked about once it is unpacked.</param>
    public static RootlessNetwork Choose(IRootlessView view, string? rootlessKit, bool bringsRootlessKit)
    {
        if (view.Find(Slirp) is { } slirp)
        {
            return new(Slirp, slirp, slirp);
        }

        if (view.Find(Pasta) is not { } pasta)
        {
            return new(Slirp, null, "neither slirp4netns nor pasta is on the system's path");
        }

        string? against = view.ReadText(Restriction)?.Trim() == "1" ? "AppArmor restricts user namespaces, and pasta makes one of its own"
            : !view.Contains(view.RealPath(pasta), OptionOfPasta) ? "it is older than 2023_06_25, the first that rootlesskit works with"
            : bringsRootlessKit ? null
            : rootlessKit is not null ? (KnownBy(view, rootlessKit) ? null : $"{rootlessKit} does not know it (2.0 is the first that does)")
            : view.Candidate("rootlesskit") is { } version && Major(version) < 2 ? $"rootlesskit {version}, which is to be installed, does not know it (2.0 is the first that does)"
            : null;
        return against is null
            ? new(Pasta, pasta, pasta)
            : new(Slirp, null, $"slirp4netns is nowhere on the system's path, and {pasta} is not used: {against}");
    }

    /// <summary>Whether a rootlesskit knows pasta.</summary>
    public static bool KnownBy(IRootlessView view, string rootlessKit) => view.Contains(view.RealPath(rootlessKit), OptionOfRootlessKit);

    // What is no number is taken for a new one.
    private static int Major(string version)
    {
        string digits = new([.. version[(version.IndexOf(':', StringComparison.Ordinal) + 1)..].TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int major) ? major : int.MaxValue;
    }
}
