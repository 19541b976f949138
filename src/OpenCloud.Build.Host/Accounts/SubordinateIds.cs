using System.Globalization;

namespace OpenCloud.Build.Host.Accounts;

/// <summary>A range of subordinate ids. The owner is a user's name or number.</summary>
internal sealed record SubordinateRange(string Owner, long First, long Count)
{
    public long Last => First + Count - 1;

    public bool Overlaps(SubordinateRange other) => First <= other.Last && other.First <= Last;

    /// <summary>The range in usermod's form.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");
}

/// <summary>
/// The subordinate ids of users (subuid(5), subgid(5)), one <c>owner:first:count</c> per line. A rootless engine needs 65,536 of
/// each, because images use that many. They must be unique to the user: users with common ids would own each other's files.
/// </summary>
internal static class SubordinateIds
{
    public const long Needed = 65536;

    private const long DefaultMin = 100000;
    private const long DefaultMax = 600100000;

    /// <summary>Parses a file's text and skips malformed lines, as newuidmap does.</summary>
    public static IReadOnlyList<SubordinateRange> Parse(string? text)
    {
        List<SubordinateRange> ranges = new();
        foreach (string line in (text ?? string.Empty).Split('\n'))
        {
            string[] fields = line.Split(':');
            if (fields.Length == 3 && fields[0].Length > 0 &&
                long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out long first) &&
                long.TryParse(fields[2].TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out long count) &&
                count > 0 && first <= uint.MaxValue && count <= uint.MaxValue)
            {
                ranges.Add(new SubordinateRange(fields[0], first, count));
            }
        }

        return ranges;
    }

    public static IReadOnlyList<SubordinateRange> Of(IEnumerable<SubordinateRange> all, string name, uint? uid)
        => [.. all.Where(range => IsOf(range, name, uid))];

    /// <summary>The first overlapping pair of a user's range and another user's; null when there is none.</summary>
    public static (SubordinateRange Own, SubordinateRange Other)? Overlap(IReadOnlyList<SubordinateRange> all, string name, uint? uid)
    {
        foreach (SubordinateRange own in Of(all, name, uid))
        {
            foreach (SubordinateRange? other in all.Where(range => !IsOf(range, name, uid) && range.Overlaps(own)))
            {
                return (own, other);
            }
        }

        return null;
    }

    /// <summary>The first account whose own id lies in a user's range, from /etc/passwd or /etc/group (third field); null when there is none.</summary>
    public static (SubordinateRange Own, string Account)? Covers(IReadOnlyList<SubordinateRange> own, string? accounts)
    {
        foreach ((string? name, long id) in Accounts(accounts))
        {
            if (own.FirstOrDefault(range => id >= range.First && id <= range.Last) is { } range)
            {
                return (range, name);
            }
        }

        return null;
    }

    /// <summary>The lowest range of 65,536 ids that is free in both files and contains no account's own id.</summary>
    /// <returns>The first id; null when there is no room. /etc/login.defs may bound the ranges.</returns>
    public static long? FindFree(IEnumerable<SubordinateRange> taken, IEnumerable<string?> accounts, string? loginDefs)
    {
        long min = Math.Max(Setting(loginDefs, "SUB_UID_MIN") ?? DefaultMin, Setting(loginDefs, "SUB_GID_MIN") ?? DefaultMin);
        long max = Math.Min(Setting(loginDefs, "SUB_UID_MAX") ?? DefaultMax, Setting(loginDefs, "SUB_GID_MAX") ?? DefaultMax);
        IOrderedEnumerable<SubordinateRange> all = taken.Concat(accounts.SelectMany(Accounts).Select(account => new SubordinateRange(account.Name, account.Id, 1)))
            .OrderBy(range => range.First);
        long at = min;
        foreach (SubordinateRange? range in all)
        {
            if (new SubordinateRange(string.Empty, at, Needed).Overlaps(range))
            {
                at = range.Last + 1;
            }
        }

        return at + Needed - 1 <= max ? at : null;
    }

    private static bool IsOf(SubordinateRange range, string name, uint? uid)
        => range.Owner == name || (uid is not null && range.Owner == uid.Value.ToString(CultureInfo.InvariantCulture));

    private static IEnumerable<(string Name, long Id)> Accounts(string? text)
    {
        foreach (string line in (text ?? string.Empty).Split('\n'))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 3 && long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out long id))
            {
                yield return (fields[0], id);
            }
        }
    }

    private static long? Setting(string? loginDefs, string name)
    {
        foreach (string line in (loginDefs ?? string.Empty).Split('\n'))
        {
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && words[0] == name && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            {
                return value;
            }
        }

        return null;
    }
}
