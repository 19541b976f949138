using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Applies overrides to a target.</summary>
/// <remarks>Which overrides append and which replace is as in docker/buildx (bake/bake.go, Target.AddOverrides).</remarks>
internal static class BakeChanges
{
    public static void Apply(BakeTarget target, IReadOnlyList<BakeOverride> changes)
    {
        foreach (BakeOverride change in changes)
        {
            string[] keys = change.Key.Split('.', 2);
            try
            {
                Apply(target, change, keys[0], keys.Length > 1 ? keys[1] : string.Empty);
            }
            catch (FormatException exception)
            {
                throw new DefinitionException($"the override of '{target.Name}.{change.Key}': {exception.Message}", inner: exception);
            }
        }
    }

    private static void Apply(BakeTarget target, BakeOverride change, string key, string name)
    {
        List<string> values = [.. change.Values.Where(static v => v.Length > 0)];
        switch (key)
        {
            case "context":
                target.Context = change.Value;
                break;
            case "dockerfile":
                target.Dockerfile = change.Value;
                break;
            case "args":
                (target.Args ??= new(StringComparer.Ordinal))[name] = change.Value;
                break;
            case "contexts":
                (target.Contexts ??= new(StringComparer.Ordinal))[name] = change.Value;
                break;
            case "labels":
                (target.Labels ??= new(StringComparer.Ordinal))[name] = change.Value;
                break;
            case "extra-hosts":
                (target.ExtraHosts ??= new(StringComparer.Ordinal))[name] = change.Value;
                break;
            case "resources":
                (target.Resources ??= new(StringComparer.Ordinal))[name] = change.Value;
                break;
            case "tags":
                target.Tags = Taken(target.Tags, change.Values, change);
                break;
            case "platform":
                target.Platforms = Taken(target.Platforms, change.Values, change);
                break;
            case "no-cache-filter":
                target.NoCacheFilter = Taken(target.NoCacheFilter, change.Values, change);
                break;
            case "ulimits":
                target.Ulimits = Taken(target.Ulimits, change.Values, change);
                break;
            case "policy":
                target.Policy = Taken(target.Policy, change.Values, change);
                break;
            case "cache-from":
                target.CacheFrom = BakeEntry.Distinct(Taken(target.CacheFrom, values.SelectMany(BakeEntry.ParseCaches), change));
                break;
            case "cache-to":
                target.CacheTo = BakeEntry.Distinct(Taken(target.CacheTo, values.SelectMany(BakeEntry.ParseCaches), change));
                break;
            case "output":
                target.Outputs = BakeEntry.Distinct(Taken(target.Outputs, values.Select(BakeEntry.ParseOutput), change));
                break;
            case "secrets":
                target.Secrets = BakeSecret.Distinct(Taken(target.Secrets, values.Select(BakeSecret.Parse), change));
                break;
            case "ssh":
                target.Ssh = BakeSsh.Distinct(Taken(target.Ssh, values.Select(BakeSsh.Parse), change));
                break;
            case "attest":
                target.Attest = BakeEntry.LastOfType([.. target.Attest ?? [], .. values.Select(BakeEntry.ParseAttest)]);
                break;
            case "entitlements":
                target.Entitlements = [.. target.Entitlements ?? [], .. change.Values];
                break;
            case "annotations":
                target.Annotations = [.. target.Annotations ?? [], .. change.Values];
                break;
            case "secret":
                ChangeSecret(target, name, change.Value);
                break;
            default:
                ApplyValue(target, key, change.Value);
                break;
        }
    }

    private static void ApplyValue(BakeTarget target, string key, string value)
    {
        switch (key)
        {
            case "target":
                target.Target = value;
                break;
            case "call":
                target.Call = value;
                break;
            case "network":
                target.Network = value;
                break;
            case "shm-size":
                target.ShmSize = value;
                break;
            case "no-cache":
                target.NoCache = BakeEntry.ParseBool(value, key);
                break;
            case "pull":
                target.Pull = BakeEntry.ParseBool(value, key);
                break;
            case "push":
                target.Outputs = Pushed(target.Outputs ?? [], BakeEntry.ParseBool(value, key));
                break;
            case "load":
                target.Outputs = BakeEntry.ParseBool(value, key) ? Loaded(target.Outputs ?? []) : target.Outputs;
                break;
            default:
                throw new FormatException($"'{key}' cannot be overridden.");
        }
    }

    private static List<T> Taken<T>(List<T>? before, IEnumerable<T> values, BakeOverride change) => change.IsAppended ? [.. before ?? [], .. values] : [.. values];

    private static void ChangeSecret(BakeTarget target, string id, string value)
    {
        int index = target.Secrets?.FindIndex(s => s.Id == id) ?? -1;
        if (index < 0)
        {
            throw new FormatException($"the target has no secret '{id}'.");
        }

        BakeSecret fresh = BakeSecret.Parse(value);
        target.Secrets![index] = fresh.Id.Length == 0 || fresh.Id == id ? fresh with { Id = id } : throw new FormatException($"the value belongs to the secret '{fresh.Id}'.");
    }

    private static List<BakeEntry> Pushed(List<BakeEntry> outputs, bool isPushed)
    {
        if (!isPushed)
        {
            return [.. outputs.Where(static o => o.Type != "registry").Select(static o => o.Type == "image" ? o.With("push", "false") : o)];
        }

        List<BakeEntry> pushed = [.. outputs.Select(static o => o.Type == "image" ? o.With("push", "true") : o)];
        if (pushed.TrueForAll(static o => o.Type == "docker"))
        {
            pushed.Add(new BakeEntry { Type = "image", Attributes = new(StringComparer.Ordinal) { ["push"] = "true" } });
        }

        return pushed;
    }

    private static List<BakeEntry> Loaded(List<BakeEntry> outputs)
    {
        bool isThere = outputs.Exists(static o => o.Type == "docker" && !o.Attributes.ContainsKey("dest"));
        bool isOther = outputs.Exists(static o => o.Type is not ("docker" or "image" or "registry" or "oci"));
        return isThere || isOther ? outputs : [.. outputs, new BakeEntry { Type = "docker" }];
    }
}
