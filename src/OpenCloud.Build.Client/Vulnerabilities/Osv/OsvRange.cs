using System.Text.Json;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Vulnerabilities.Versions;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>One range of versions: the events at which a vulnerability comes and goes.</summary>
/// <remarks>ossf.github.io/osv-schema, "affected[].ranges[].events fields" and "Evaluation".</remarks>
internal sealed class OsvRange
{
    private const int MostEvents = 10_000;

    private readonly VersionOrder _order;
    private readonly List<(OsvEvent Kind, string Version)> _events;

    private OsvRange(VersionOrder order, List<(OsvEvent Kind, string Version)> events)
    {
        _order = order;
        _events = events;
    }

    private enum OsvEvent
    {
        Fixed,
        Introduced,
        LastAffected,
        Limit,
    }

    /// <summary>The range; null when its versions cannot be compared: commits, and ecosystems whose order is unknown.</summary>
    public static OsvRange? Of(JsonElement range, string ecosystem)
    {
        VersionOrder? order = LenientJson.Text(range, "type") switch
        {
            "SEMVER" => SemanticVersion.Compare,
            "ECOSYSTEM" => VersionOrders.Of(ecosystem),
            _ => null,
        };
        if (order is null)
        {
            return null;
        }

        List<(OsvEvent Kind, string Version)> events = [];
        foreach (JsonElement item in LenientJson.Items(range, "events").Take(MostEvents))
        {
            Add(OsvEvent.Introduced, "introduced");
            Add(OsvEvent.Fixed, "fixed");
            Add(OsvEvent.LastAffected, "last_affected");
            Add(OsvEvent.Limit, "limit");

            void Add(OsvEvent kind, string name)
            {
                if (LenientJson.Text(item, name) is { Length: > 0 } version)
                {
                    events.Add((kind, version));
                }
            }
        }

        return new OsvRange(order, events);
    }

    /// <summary>Whether a version is in the range.</summary>
    public bool Includes(string version)
    {
        if (_order(version, version) is null)
        {
            return false;
        }

        bool isLimited = _events.Exists(static e => e.Kind == OsvEvent.Limit);
        if (isLimited && !_events.Exists(e => e.Kind == OsvEvent.Limit && (e.Version == "*" || _order(version, e.Version) < 0)))
        {
            return false;
        }

        // The last event that is not after the version decides. The events need not be in order.
        (OsvEvent Kind, string Version)? last = null;
        foreach ((OsvEvent Kind, string Version) at in _events.Where(static e => e.Kind != OsvEvent.Limit))
        {
            bool hasPassed = at.Kind switch
            {
                OsvEvent.Introduced => IsStart(at) || _order(version, at.Version) >= 0,
                OsvEvent.Fixed => _order(version, at.Version) >= 0,
                _ => _order(version, at.Version) > 0,
            };
            if (hasPassed && (last is not { } before || IsAfter(at, before)))
            {
                last = at;
            }
        }

        return last?.Kind == OsvEvent.Introduced;
    }

    /// <summary>The first version with the fix after a version; null when there is none.</summary>
    public string? FixedAfter(string version)
    {
        string? first = null;
        foreach ((OsvEvent kind, string candidate) in _events)
        {
            if (kind == OsvEvent.Fixed && _order(candidate, version) > 0 && (first is null || _order(candidate, first) < 0))
            {
                first = candidate;
            }
        }

        return first;
    }

    /// <summary>The earlier of two fixed versions.</summary>
    public string? Earlier(string? left, string? right) => left is null ? right : right is null || _order(left, right) <= 0 ? left : right;

    private static bool IsStart((OsvEvent Kind, string Version) at) => at.Kind == OsvEvent.Introduced && at.Version == "0";

    // At one version, a fix comes first, then a new introduction, then the end after it.
    private bool IsAfter((OsvEvent Kind, string Version) at, (OsvEvent Kind, string Version) before)
    {
        if (IsStart(at) || IsStart(before))
        {
            return !IsStart(at);
        }

        int? order = _order(at.Version, before.Version);
        return order > 0 || (order == 0 && at.Kind.CompareTo(before.Kind) > 0);
    }
}
