using OpenCloud.Build.Definitions.Hcl;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>An attribute of a target: sets it from an HCL value, and gets the value for a reference to it.</summary>
internal sealed record BakeField(string Name, Action<BakeTarget, HclValue, HclPosition> Set, Func<BakeTarget, HclValue> Get)
{
    public static readonly IReadOnlyDictionary<string, BakeField> All = new BakeField[]
    {
        Text("description", static (t, v) => t.Description = v, static t => t.Description),
        Texts("inherits", static (t, v) => t.Inherits = v ?? [], static t => t.Inherits),
        Texts("annotations", static (t, v) => t.Annotations = v, static t => t.Annotations),
        Entries("attest", static (t, v) => t.Attest = v, static t => t.Attest, static s => [BakeEntry.ParseAttest(s)], isLower: false),
        Text("context", static (t, v) => t.Context = v, static t => t.Context),
        new("contexts", static (t, v, p) => t.Contexts = Contexts(v, p), static t => Map(t.Contexts)),
        Text("dockerfile", static (t, v) => t.Dockerfile = v, static t => t.Dockerfile),
        Text("dockerfile-inline", static (t, v) => t.DockerfileInline = v, static t => t.DockerfileInline),
        Pairs("args", static (t, v) => t.Args = v, static t => t.Args),
        Pairs("labels", static (t, v) => t.Labels = v, static t => t.Labels),
        Texts("tags", static (t, v) => t.Tags = v, static t => t.Tags),
        Entries("cache-from", static (t, v) => t.CacheFrom = v, static t => t.CacheFrom, BakeEntry.ParseCaches),
        Entries("cache-to", static (t, v) => t.CacheTo = v, static t => t.CacheTo, BakeEntry.ParseCaches),
        Text("target", static (t, v) => t.Target = v, static t => t.Target),
        new("secret", static (t, v, p) => t.Secrets = Each(v, p, Secret), static t => List(t.Secrets, Value)),
        new("ssh", static (t, v, p) => t.Ssh = Each(v, p, Agent), static t => List(t.Ssh, Value)),
        Texts("platforms", static (t, v) => t.Platforms = v, static t => t.Platforms),
        Entries("output", static (t, v) => t.Outputs = v, static t => t.Outputs, static s => [BakeEntry.ParseOutput(s)]),
        Truth("pull", static (t, v) => t.Pull = v, static t => t.Pull),
        Truth("no-cache", static (t, v) => t.NoCache = v, static t => t.NoCache),
        Text("network", static (t, v) => t.Network = v, static t => t.Network),
        Texts("no-cache-filter", static (t, v) => t.NoCacheFilter = v, static t => t.NoCacheFilter),
        Text("shm-size", static (t, v) => t.ShmSize = v, static t => t.ShmSize),
        Texts("ulimits", static (t, v) => t.Ulimits = v, static t => t.Ulimits),
        Pairs("resources", static (t, v) => t.Resources = v, static t => t.Resources),
        Text("call", static (t, v) => t.Call = v, static t => t.Call),
        Texts("entitlements", static (t, v) => t.Entitlements = v, static t => t.Entitlements),
        Pairs("extra-hosts", static (t, v) => t.ExtraHosts = v, static t => t.ExtraHosts),
        new("policy", static (t, v, p) => t.Policy = Each(v, p, Policy), static t => List(t.Policy, HclValue.From)),
    }.ToDictionary(static f => f.Name, StringComparer.Ordinal);

    public static List<string>? ToTexts(HclValue value, HclPosition position) =>
        value.IsNull ? null : [.. HclConversion.ToItems(value, position).Select(i => HclConversion.ToText(i, position))];

    private static BakeField Text(string name, Action<BakeTarget, string?> set, Func<BakeTarget, string?> get) => new(
        name,
        (t, v, p) => set(t, v.IsNull ? null : HclConversion.ToText(v, p)),
        t => get(t) is { } text ? HclValue.From(text) : HclValue.Null);

    private static BakeField Truth(string name, Action<BakeTarget, bool?> set, Func<BakeTarget, bool?> get) => new(
        name,
        (t, v, p) => set(t, v.IsNull ? null : HclConversion.ToBool(v, p)),
        t => get(t) is { } truth ? HclValue.From(truth) : HclValue.Null);

    private static BakeField Texts(string name, Action<BakeTarget, List<string>?> set, Func<BakeTarget, List<string>?> get) => new(
        name,
        (t, v, p) => set(t, ToTexts(v, p)),
        t => List(get(t), HclValue.From));

    private static BakeField Pairs(string name, Action<BakeTarget, SortedDictionary<string, string?>?> set, Func<BakeTarget, SortedDictionary<string, string?>?> get) => new(
        name,
        (t, v, p) => set(t, ToPairs(v, p)),
        t => get(t) is { } pairs ? HclValue.Map(pairs.Select(static e => KeyValuePair.Create(e.Key, e.Value is null ? HclValue.Null : HclValue.From(e.Value)))) : HclValue.Null);

    private static BakeField Entries(string name, Action<BakeTarget, List<BakeEntry>?> set, Func<BakeTarget, List<BakeEntry>?> get, Func<string, IEnumerable<BakeEntry>> parse, bool isLower = true) => new(
        name,
        (t, v, p) => set(t, Each(v, p, (i, at) => i.Kind == HclKind.Text ? Guard(() => parse(i.Text).ToArray(), at) : [Guard(() => BakeEntry.From(Attributes(i, at), isLower), at)])),
        t => List(get(t), Value));

    private static SortedDictionary<string, string?>? ToPairs(HclValue value, HclPosition position)
    {
        if (value.IsNull)
        {
            return null;
        }

        SortedDictionary<string, string?> pairs = new(StringComparer.Ordinal);
        foreach ((string key, HclValue entry) in HclConversion.ToEntries(value, position))
        {
            pairs[key] = entry.IsNull ? null : HclConversion.ToText(entry, position);
        }

        return pairs;
    }

    private static SortedDictionary<string, string>? Contexts(HclValue value, HclPosition position)
    {
        if (value.IsNull)
        {
            return null;
        }

        SortedDictionary<string, string> contexts = new(StringComparer.Ordinal);
        foreach ((string key, HclValue entry) in HclConversion.ToEntries(value, position))
        {
            contexts[key] = HclConversion.ToText(entry, position);
        }

        return contexts;
    }

    private static IEnumerable<KeyValuePair<string, string>> Attributes(HclValue value, HclPosition position) =>
        HclConversion.ToEntries(value, position).Where(static e => !e.Value.IsNull).Select(e => KeyValuePair.Create(e.Key, HclConversion.ToText(e.Value, position)));

    // Skips empty strings, so that a condition can omit an item.
    private static List<T>? Each<T>(HclValue value, HclPosition position, Func<HclValue, HclPosition, IEnumerable<T>> read) => value.IsNull
        ? null
        : [.. HclConversion.ToItems(value, position).Where(static i => !(i.Kind == HclKind.Text && i.Text.Length == 0)).SelectMany(i => read(i, position))];

    private static T Guard<T>(Func<T> read, HclPosition position)
    {
        try
        {
            return read();
        }
        catch (FormatException exception)
        {
            throw new HclException(exception.Message, position, exception);
        }
    }

    private static BakeSecret[] Secret(HclValue value, HclPosition position)
    {
        if (value.Kind == HclKind.Text)
        {
            return [Guard(() => BakeSecret.Parse(value.Text), position)];
        }

        Dictionary<string, HclValue> parts = Parts(value, position);
        return [new BakeSecret(Text("id"), Text("src"), Text("env"))];

        string Text(string name) => parts.TryGetValue(name, out HclValue? part) ? HclConversion.ToText(part, position) : string.Empty;
    }

    private static BakeSsh[] Agent(HclValue value, HclPosition position)
    {
        if (value.Kind == HclKind.Text)
        {
            return [BakeSsh.Parse(value.Text)];
        }

        Dictionary<string, HclValue> parts = Parts(value, position);
        return
        [
            new BakeSsh(
                parts.TryGetValue("id", out HclValue? id) ? HclConversion.ToText(id, position) : string.Empty,
                parts.TryGetValue("paths", out HclValue? paths) ? ToTexts(paths, position) ?? [] : []),
        ];
    }

    // Names are case-insensitive, so that no spelling of one is overlooked.
    private static Dictionary<string, HclValue> Parts(HclValue value, HclPosition position)
    {
        Dictionary<string, HclValue> parts = new(StringComparer.Ordinal);
        foreach ((string key, HclValue part) in HclConversion.ToEntries(value, position).Where(static e => !e.Value.IsNull))
        {
            string name = key.Trim().ToLowerInvariant();
            if (!parts.TryAdd(name, part))
            {
                throw new HclException($"'{name}' is defined twice.", position);
            }
        }

        return parts;
    }

    private static string[] Policy(HclValue value, HclPosition position) => value.Kind == HclKind.Text
        ? [value.Text]
        : [string.Join(',', HclConversion.ToEntries(value, position).Where(static e => !e.Value.IsNull).Select(e => $"{e.Key}={HclConversion.TryText(e.Value) ?? "…"}"))];

    private static HclValue List<T>(List<T>? items, Func<T, HclValue> value) => items is null ? HclValue.Null : HclValue.List(items.Select(value));

    private static HclValue Map(SortedDictionary<string, string>? map) =>
        map is null ? HclValue.Null : HclValue.Map(map.Select(static e => KeyValuePair.Create(e.Key, HclValue.From(e.Value))));

    private static HclValue Value(BakeEntry entry) => HclValue.Map(
        (entry.IsDisabled ? entry.With("disabled", "true") : entry).ToPairs().Select(static p => KeyValuePair.Create(p.Key, HclValue.From(p.Value))));

    private static HclValue Value(BakeSecret secret) => HclValue.Object(
    [
        KeyValuePair.Create("id", HclValue.From(secret.Id)),
        KeyValuePair.Create("src", HclValue.From(secret.File)),
        KeyValuePair.Create("env", HclValue.From(secret.Variable)),
    ]);

    private static HclValue Value(BakeSsh agent) => HclValue.Object(
        [KeyValuePair.Create("id", HclValue.From(agent.Id)), KeyValuePair.Create("paths", HclValue.Strings(agent.Paths))]);
}
