using System.Globalization;
using OpenCloud.Build.Definitions.Compose;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Makes bake targets from the services of a Compose project.</summary>
/// <remarks>As docker/buildx does it (bake/compose.go).</remarks>
internal static class ComposeTargets
{
    /// <summary>Adds the targets, and the default group with all of them.</summary>
    public static void Add(ComposeProject project, Func<string, string?> lookup, List<BakeTarget> targets, List<BakeGroup> groups)
    {
        List<string> names = [];
        foreach (ComposeService service in project.Services.Values.Where(static s => s.Build is not null))
        {
            BakeTarget target = From(service, project, lookup);
            names.Add(target.Name);
            targets.Add(target);
        }

        if (project.Services.Count > 0)
        {
            groups.Add(new BakeGroup("default", names));
        }
    }

    public static string NameOf(string service) => service.Replace('.', '_');

    public static BakeTarget From(ComposeService service, ComposeProject project, Func<string, string?> lookup)
    {
        ComposeBuild build = service.Build!;
        SortedDictionary<string, string?> args = new(StringComparer.Ordinal);
        foreach ((string name, string? value) in build.Args)
        {
            args[name] = value ?? service.Environment.GetValueOrDefault(name) ?? lookup(name);
        }

        BakeTarget target = new()
        {
            Name = NameOf(service.Name),
            File = service.File,
            Line = service.Line,
            Context = build.Context,
            Contexts = build.Contexts.Count == 0 ? null : Contexts(build.Contexts),
            Dockerfile = build.Dockerfile,
            DockerfileInline = build.DockerfileInline,
            Args = args,
            Labels = Sorted(build.Labels),
            Tags = build.Tags.Count > 0 ? [.. build.Tags] : null,
            CacheFrom = build.CacheFrom.Count > 0 ? [.. build.CacheFrom.Where(static c => c.Length > 0).SelectMany(Guarded(service, BakeEntry.ParseCaches))] : null,
            CacheTo = build.CacheTo.Count > 0 ? [.. build.CacheTo.Where(static c => c.Length > 0).SelectMany(Guarded(service, BakeEntry.ParseCaches))] : null,
            Target = build.Target,
            Secrets = build.Secrets.Count > 0 ? [.. build.Secrets.Select(s => Secret(s.Source, project.Secrets[s.Source], service))] : null,
            Ssh = build.Ssh.Count > 0 ? [.. build.Ssh.OrderBy(static s => s.Key, StringComparer.Ordinal).Select(static s => new BakeSsh(s.Key, s.Value.Length == 0 ? [] : [s.Value]))] : null,
            Platforms = build.Platforms.Count > 0 ? [.. build.Platforms] : null,
            Pull = build.Pull ? true : null,
            NoCache = build.NoCache ? true : null,
            Network = build.Network,
            ShmSize = build.ShmSize is > 0 and long size ? Size(size) : null,
            Ulimits = build.Ulimits.Count > 0 ? [.. build.Ulimits.Select(static u => $"{u.Key}={u.Value.Soft}:{u.Value.Hard}")] : null,
            ExtraHosts = Hosts(build.ExtraHosts),
            Attest = Attest(build, service),
        };
        Extend(target, build.Bake, service);
        target.Tags ??= string.IsNullOrEmpty(service.Image) ? null : [service.Image];
        return target;
    }

    // At most four significant digits and a unit, as buildx writes it.
    private static string Size(double bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        int unit = 0;
        while (bytes >= 1024 && unit < units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return bytes.ToString("G4", CultureInfo.InvariantCulture) + units[unit];
    }

    private static SortedDictionary<string, string?>? Sorted(IReadOnlyDictionary<string, string> pairs) =>
        pairs.Count == 0 ? null : new(pairs.ToDictionary(static p => p.Key, static p => (string?)p.Value), StringComparer.Ordinal);

    private static SortedDictionary<string, string> Contexts(IEnumerable<KeyValuePair<string, string>> contexts)
    {
        SortedDictionary<string, string> made = new(StringComparer.Ordinal);
        foreach ((string name, string value) in contexts)
        {
            bool isOther = value.StartsWith("service:", StringComparison.Ordinal) || value.StartsWith("target:", StringComparison.Ordinal);
            made[name] = isOther ? "target:" + NameOf(value[(value.IndexOf(':', StringComparison.Ordinal) + 1)..]) : value;
        }

        return made;
    }

    private static SortedDictionary<string, string?>? Hosts(IReadOnlyList<string> hosts)
    {
        SortedDictionary<string, string?> made = new(StringComparer.Ordinal);
        foreach (string[] parts in hosts.Select(static h => h.Split('=', 2)))
        {
            made[parts[0]] = made.TryGetValue(parts[0], out string? before) ? $"{before},{parts[1]}" : parts[1];
        }

        return made.Count == 0 ? null : made;
    }

    private static List<BakeEntry>? Attest(ComposeBuild build, ComposeService service)
    {
        List<BakeEntry> attest = [];
        foreach ((string type, string? value) in new[] { ("sbom", build.Sbom), ("provenance", build.Provenance) })
        {
            if (string.IsNullOrEmpty(value))
            {
                continue;
            }

            bool? truth = value.ToLowerInvariant() switch
            {
                "true" or "1" or "t" => true,
                "false" or "0" or "f" => false,
                _ => null,
            };
            attest.Add(truth is { } isOn
                ? new BakeEntry { Type = type, IsDisabled = !isOn }
                : Guarded(service, static t => BakeEntry.ParseAttest(t))($"type={type},{value}"));
        }

        return attest.Count == 0 ? null : attest;
    }

    private static BakeSecret Secret(string id, ComposeSecret secret, ComposeService service) => secret.IsExternal
        ? throw new DefinitionException($"the service '{service.Name}' uses the secret '{id}', which is external to the project.", service.File, service.Line)
        : new BakeSecret(id, secret.File ?? string.Empty, secret.Variable ?? string.Empty);

    // Applies x-bake on top of the service's own fields.
    private static void Extend(BakeTarget target, ComposeNode? bake, ComposeService service)
    {
        foreach ((string key, ComposeNode node) in bake?.Entries ?? [])
        {
            switch (key)
            {
                case "tags":
                    target.Tags = [.. (target.Tags ?? []).Union(Texts(node), StringComparer.Ordinal)];
                    break;
                case "cache-from":
                    target.CacheFrom = BakeEntry.Distinct([.. target.CacheFrom ?? [], .. Texts(node).SelectMany(Guarded(service, BakeEntry.ParseCaches))]);
                    break;
                case "cache-to":
                    target.CacheTo = BakeEntry.Distinct([.. target.CacheTo ?? [], .. Texts(node).SelectMany(Guarded(service, BakeEntry.ParseCaches))]);
                    break;
                case "secret":
                    target.Secrets = BakeSecret.Distinct([.. target.Secrets ?? [], .. Texts(node).Select(Guarded(service, BakeSecret.Parse))]);
                    break;
                case "ssh":
                    target.Ssh = BakeSsh.Distinct([.. target.Ssh ?? [], .. Texts(node).Select(BakeSsh.Parse)]);
                    target.Ssh.Sort(static (a, b) => string.CompareOrdinal(a.Id, b.Id));
                    break;
                case "platforms":
                    target.Platforms = [.. (target.Platforms ?? []).Union(Texts(node), StringComparer.Ordinal)];
                    break;
                case "output":
                    target.Outputs = BakeEntry.Distinct([.. target.Outputs ?? [], .. Texts(node).Select(Guarded(service, BakeEntry.ParseOutput))]);
                    break;
                case "pull":
                    target.Pull = Guarded(service, t => BakeEntry.ParseBool(t, key))(node.ToText(key));
                    break;
                case "no-cache":
                    target.NoCache = Guarded(service, t => BakeEntry.ParseBool(t, key))(node.ToText(key));
                    break;
                case "no-cache-filter":
                    target.NoCacheFilter = [.. (target.NoCacheFilter ?? []).Union(Texts(node), StringComparer.Ordinal)];
                    break;
                case "contexts":
                    SortedDictionary<string, string> contexts = Contexts(node.ToEntries(key).Select(e => KeyValuePair.Create(e.Key, e.Value.ToText(e.Key))));
                    foreach ((string name, string value) in contexts)
                    {
                        (target.Contexts ??= new(StringComparer.Ordinal)).TryAdd(name, value);
                    }

                    break;
                default:
                    throw node.Refuse($"'{key}' is not a key of x-bake.");
            }
        }
    }

    private static string[] Texts(ComposeNode node) => node.Items is { } items
        ? [.. items.Select(static i => i.ToText("x-bake")).Where(static t => t.Length > 0)]
        : node.ToText("x-bake").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static Func<string, T> Guarded<T>(ComposeService service, Func<string, T> parse) => text =>
    {
        try
        {
            return parse(text);
        }
        catch (FormatException exception)
        {
            throw new DefinitionException($"the service '{service.Name}': {exception.Message}", service.File, service.Line, exception);
        }
    };
}
