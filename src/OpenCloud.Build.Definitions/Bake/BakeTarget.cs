using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>A target as its blocks define it; null means not set.</summary>
internal sealed class BakeTarget
{
    /// <summary>The maximum number of items of a list, and of targets that one inherits.</summary>
    public const int MostItems = 10_000;

    public required string Name { get; init; }

    public string File { get; set; } = string.Empty;

    public int Line { get; set; }

    public string? Description { get; set; }

    public List<string> Inherits { get; set; } = [];

    public List<string>? Annotations { get; set; }

    public List<BakeEntry>? Attest { get; set; }

    public string? Context { get; set; }

    public SortedDictionary<string, string>? Contexts { get; set; }

    public string? Dockerfile { get; set; }

    public string? DockerfileInline { get; set; }

    public SortedDictionary<string, string?>? Args { get; set; }

    public SortedDictionary<string, string?>? Labels { get; set; }

    public List<string>? Tags { get; set; }

    public List<BakeEntry>? CacheFrom { get; set; }

    public List<BakeEntry>? CacheTo { get; set; }

    public string? Target { get; set; }

    public List<BakeSecret>? Secrets { get; set; }

    public List<BakeSsh>? Ssh { get; set; }

    public List<string>? Platforms { get; set; }

    public List<BakeEntry>? Outputs { get; set; }

    public bool? Pull { get; set; }

    public bool? NoCache { get; set; }

    public string? Network { get; set; }

    public List<string>? NoCacheFilter { get; set; }

    public string? ShmSize { get; set; }

    public List<string>? Ulimits { get; set; }

    public SortedDictionary<string, string?>? Resources { get; set; }

    public string? Call { get; set; }

    public List<string>? Entitlements { get; set; }

    public SortedDictionary<string, string?>? ExtraHosts { get; set; }

    public List<string>? Policy { get; set; }

    /// <summary>Merges another target into this one: the other's values override, maps and some lists are joined.</summary>
    /// <remarks>Which fields are joined is as in docker/buildx (bake/bake.go, Target.Merge).</remarks>
    public void Merge(BakeTarget other)
    {
        if (File.Length == 0 || other.Name == Name)
        {
            (File, Line) = (other.File, other.Line);
        }

        Context = other.Context ?? Context;
        Dockerfile = other.Dockerfile ?? Dockerfile;
        DockerfileInline = other.DockerfileInline ?? DockerfileInline;
        Args = Joined(Args, other.Args);
        Labels = Joined(Labels, other.Labels);
        ExtraHosts = Joined(ExtraHosts, other.ExtraHosts);
        Resources = Joined(Resources, other.Resources);
        foreach ((string key, string value) in other.Contexts ?? [])
        {
            (Contexts ??= new(StringComparer.Ordinal))[key] = value;
        }

        Tags = other.Tags ?? Tags;
        Target = other.Target ?? Target;
        Call = other.Call ?? Call;
        Platforms = other.Platforms ?? Platforms;
        CacheTo = other.CacheTo ?? CacheTo;
        Outputs = other.Outputs ?? Outputs;
        Pull = other.Pull ?? Pull;
        NoCache = other.NoCache ?? NoCache;
        Network = other.Network ?? Network;
        ShmSize = other.ShmSize ?? ShmSize;
        Description = string.IsNullOrEmpty(other.Description) ? Description : other.Description;
        Annotations = Joined(Annotations, other.Annotations);
        Policy = Joined(Policy, other.Policy);
        NoCacheFilter = Joined(NoCacheFilter, other.NoCacheFilter);
        Ulimits = Joined(Ulimits, other.Ulimits);
        Entitlements = Joined(Entitlements, other.Entitlements);
        Attest = Joined(Attest, other.Attest) is { } attest ? BakeEntry.LastOfType(attest) : null;
        CacheFrom = Joined(CacheFrom, other.CacheFrom) is { } caches ? BakeEntry.Distinct(caches) : null;
        Secrets = Joined(Secrets, other.Secrets) is { } secrets ? BakeSecret.Distinct(secrets) : null;
        Ssh = Joined(Ssh, other.Ssh) is { } agents ? BakeSsh.Distinct(agents) : null;
        Inherits = [.. Inherits, .. other.Inherits];
    }

    /// <summary>Removes duplicates and empty values, and adds the entitlement that the host network needs.</summary>
    public void Normalize()
    {
        Annotations = Once(Annotations);
        Attest = Attest is { } attest ? BakeEntry.LastOfType(attest) : null;
        Tags = Once(Tags);
        Secrets = Secrets is { } secrets ? BakeSecret.Distinct(secrets) : null;
        Ssh = Ssh is { } agents ? BakeSsh.Distinct(agents) : null;
        Platforms = Once(Platforms);
        CacheFrom = CacheFrom is { } from ? BakeEntry.Distinct(from) : null;
        CacheTo = CacheTo is { } to ? BakeEntry.Distinct(to) : null;
        Outputs = Outputs is { } outputs ? BakeEntry.Distinct(outputs) : null;
        NoCacheFilter = Once(NoCacheFilter);
        Ulimits = Once(Ulimits);
        Policy = Once(Policy);
        if (Network == "host")
        {
            (Entitlements ??= []).Add("network.host");
        }

        Entitlements = Once(Entitlements);
        foreach (string empty in (Contexts ?? []).Where(static c => c.Value.Length == 0).Select(static c => c.Key).ToArray())
        {
            Contexts!.Remove(empty);
        }
    }

    private static List<string>? Once(List<string>? list) => list is null ? null : [.. list.Where(static t => t.Length > 0).Distinct(StringComparer.Ordinal)];

    private List<T>? Joined<T>(List<T>? first, List<T>? second)
    {
        if (second is null)
        {
            return first;
        }

        return (first?.Count ?? 0) + second.Count <= MostItems
            ? [.. first ?? [], .. second]
            : throw new DefinitionException($"a list of the target '{Name}' has more than {MostItems} items.", File.Length == 0 ? null : File, Line);
    }

    // A null value in the second map overrides nothing.
    private static SortedDictionary<string, string?>? Joined(SortedDictionary<string, string?>? first, SortedDictionary<string, string?>? second)
    {
        foreach ((string key, string? value) in second ?? [])
        {
            if (value is not null)
            {
                (first ??= new(StringComparer.Ordinal))[key] = value;
            }
        }

        return first;
    }
}

/// <summary>A group of targets and other groups.</summary>
internal sealed record BakeGroup(string Name, IReadOnlyList<string> Targets, string? Description = null);
