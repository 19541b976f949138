using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Host.Releases;

/// <summary>A version of BuildKit: <c>v0.32.2</c>, <c>v0.33.0-rc1</c>.</summary>
public sealed partial record BuildKitVersion : IComparable<BuildKitVersion>
{
    private BuildKitVersion(int major, int minor, int patch, string? preRelease)
    {
        (Major, Minor, Patch, PreRelease) = (major, minor, patch, preRelease);
    }

    /// <summary>The lowest version that this module supports.</summary>
    public static BuildKitVersion Lowest { get; } = Parse("v0.16.0");

    /// <summary>The first number.</summary>
    public int Major { get; }

    /// <summary>The second number.</summary>
    public int Minor { get; }

    /// <summary>The third number.</summary>
    public int Patch { get; }

    /// <summary>The text after the dash; null when there is none.</summary>
    public string? PreRelease { get; }

    /// <summary>Parses a version; the leading v is optional.</summary>
    /// <exception cref="HostException">The text is not a version.</exception>
    public static BuildKitVersion Parse(string text)
    {
        Match match = Pattern().Match(text);
        if (!match.Success)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{Accounts.AccountDatabase.Printable(text)}' is not a BuildKit version, such as v0.32.2.");
        }

        int Part(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
        return new BuildKitVersion(Part(1), Part(2), Part(3), match.Groups[4].Success ? match.Groups[4].Value : null);
    }

    /// <summary>Whether a is older than b.</summary>
    public static bool operator <(BuildKitVersion a, BuildKitVersion b) => a.CompareTo(b) < 0;

    /// <summary>Whether a is newer than b.</summary>
    public static bool operator >(BuildKitVersion a, BuildKitVersion b) => a.CompareTo(b) > 0;

    /// <summary>Whether a is not newer than b.</summary>
    public static bool operator <=(BuildKitVersion a, BuildKitVersion b) => a.CompareTo(b) <= 0;

    /// <summary>Whether a is not older than b.</summary>
    public static bool operator >=(BuildKitVersion a, BuildKitVersion b) => a.CompareTo(b) >= 0;

    /// <inheritdoc/>
    public int CompareTo(BuildKitVersion? other)
    {
        if (other is null)
        {
            return 1;
        }

        int numbers = (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));
        return numbers != 0
            ? numbers
            : (PreRelease, other.PreRelease) switch
            {
                (null, null) => 0,
                (null, _) => 1,
                (_, null) => -1,
                var (mine, theirs) => string.CompareOrdinal(mine, theirs),
            };
    }

    /// <summary>The version in the form of the project's tags, with the leading v.</summary>
    public override string ToString() => $"v{Major}.{Minor}.{Patch}{(PreRelease is null ? string.Empty : "-" + PreRelease)}";

    [GeneratedRegex(@"^v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})(?:-([0-9A-Za-z.]{1,32}))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
