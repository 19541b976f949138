using OpenCloud.Build.Definitions.Compose;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Makes a build from a target: resolves paths, and maps fields to parameters of <c>Invoke-ImageBuild</c>.</summary>
internal static class BakeMapping
{
    private const string Cwd = "cwd://";
    private const string TargetPrefix = "target:";
    private const string ImagePrefix = "docker-image:";

    /// <summary>Maps a resolved target.</summary>
    /// <param name="target">The target.</param>
    /// <param name="directory">The directory that relative paths start from.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="origin">The origin of a remote definition, where its contexts are; null for the directory.</param>
    public static BuildDefinition ToDefinition(BakeTarget target, string directory, Func<string, string?> environment, DefinitionOrigin? origin = null)
    {
        BakeChecks.Check(target);
        DefinitionOrigin? place = origin is { IsSingleFile: false } ? origin : null;
        string context = Context(target.Context ?? ".", directory, place, target);
        Dictionary<string, string>? contexts = target.Contexts is { Count: > 0 } named ? named.ToDictionary(static c => c.Key, c => NamedContext(c.Value, directory, place, target), StringComparer.Ordinal) : null;
        if (place is not null)
        {
            BakeRemote.CheckDockerfile(target, context);
        }

        BakeEntry[] attest = [.. target.Attest ?? []];
        return new BuildDefinition
        {
            Name = target.Name,
            Description = target.Description,
            Source = target.File.Length == 0 ? null : target.File,
            DependsOn = [.. (contexts?.Values ?? Enumerable.Empty<string>()).Where(static c => c.StartsWith(TargetPrefix, StringComparison.Ordinal)).Select(static c => c[TargetPrefix.Length..]).Distinct(StringComparer.Ordinal)],
            Remainder = [.. Remainder(target)],
            LiteralPath = context,
            Dockerfile = target.DockerfileInline is not null ? null : Dockerfile(target.Dockerfile, context, directory),
            DockerfileText = target.DockerfileInline,
            Tag = List(target.Tags),
            BuildArg = Pairs(target.Args),
            Label = Pairs(target.Labels),
            Target = string.IsNullOrEmpty(target.Target) ? null : target.Target,
            Platform = List(target.Platforms),
            NoCache = target.NoCache == true,
            NoCacheFilter = List(target.NoCacheFilter),
            Pull = target.Pull == true,
            Output = target.Outputs is { Count: > 0 } outputs ? [.. outputs.Select(o => Output(o, directory))] : null,
            CacheFrom = Entries(target.CacheFrom, directory),
            CacheTo = Entries(target.CacheTo, directory),
            Secret = target.Secrets is { Count: > 0 } secrets ? secrets.ToDictionary(static s => s.Id, s => Secret(s, directory, environment), StringComparer.Ordinal) : null,
            Ssh = target.Ssh is { Count: > 0 } agents ? [.. agents.Select(a => new BakeSsh(a.Id, [.. a.Paths.Select(p => BakePaths.Full(p, directory))]).ToString())] : null,
            BuildContext = contexts,
            Annotation = target.Annotations is { Count: > 0 } annotations ? annotations.Select(static a => a.Split('=', 2)).GroupBy(static a => a[0]).ToDictionary(static g => g.Key, static g => g.Last().ElementAtOrDefault(1) ?? string.Empty, StringComparer.Ordinal) : null,
            Attest = attest.Where(static a => !a.IsDisabled).Select(static a => (IReadOnlyDictionary<string, string>)a.ToPairs()).ToArray() is { Length: > 0 } wanted ? wanted : null,
            Sbom = attest.Any(static a => a is { IsDisabled: true, Type: "sbom" }) ? "false" : null,
            Provenance = attest.Any(static a => a is { IsDisabled: true, Type: "provenance" }) ? "false" : null,
            Network = target.Network switch
            {
                "host" => "Host",
                "none" => "None",
                _ => "Default",
            },
            AddHost = target.ExtraHosts is { Count: > 0 } hosts ? [.. hosts.Where(static h => h.Value is not null).SelectMany(static h => h.Value!.Split(',').Select(a => $"{h.Key}={a}"))] : null,
            ShmSize = string.IsNullOrEmpty(target.ShmSize) ? null : ComposeReader.Bytes(target.ShmSize) ?? throw new DefinitionException($"the target '{target.Name}': '{target.ShmSize}' is not a size.", target.File, target.Line),
            Ulimit = target.Ulimits is { Count: > 0 } limits ? limits.Select(static l => l.Split('=', 2)).GroupBy(static l => l[0]).ToDictionary(static g => g.Key, static g => g.Last().ElementAtOrDefault(1) ?? string.Empty, StringComparer.Ordinal) : null,
            Allow = List(target.Entitlements),
        };
    }

    /// <summary>A context: an address that the engine fetches, or a full path.</summary>
    private static string Context(string context, string directory, DefinitionOrigin? origin, BakeTarget target) => context.StartsWith(Cwd, StringComparison.Ordinal)
        ? BakePaths.Full(context[Cwd.Length..], directory)
        : BakeAddress.Is(context, directory) ? context
        : origin is null ? BakePaths.Full(context, directory)
        : BakeRemote.Place(context, origin, target);

    /// <summary>A named context, which may also be an image, an OCI layout or a target.</summary>
    private static string NamedContext(string context, string directory, DefinitionOrigin? origin, BakeTarget target) =>
        context.StartsWith(TargetPrefix, StringComparison.Ordinal) || context.StartsWith(ImagePrefix, StringComparison.Ordinal) ? context
        : BakePaths.IsLayout(context) ? BakePaths.LayoutScheme + BakePaths.Full(context[BakePaths.LayoutScheme.Length..], directory)
        : Context(context, directory, origin, target);

    // A relative path stays relative to a remote context.
    private static string? Dockerfile(string? dockerfile, string context, string directory) => dockerfile switch
    {
        null or "" or "Dockerfile" => null,
        string given when given.StartsWith(Cwd, StringComparison.Ordinal) => BakePaths.Full(given[Cwd.Length..], directory),
        string given when Path.IsPathRooted(given) || Path.IsPathRooted(context) => BakePaths.Full(given, context),
        string given => given,
    };

    // Without 'dest' an image goes into the engine's own store.
    private static Dictionary<string, string> Output(BakeEntry output, string directory)
    {
        Dictionary<string, string> pairs = output.ToPairs();
        if (pairs.TryGetValue("dest", out string? dest))
        {
            pairs["dest"] = dest == "-" ? dest : BakePaths.Full(dest, directory);
        }
        else if (output.Type == "docker")
        {
            pairs["type"] = "image";
        }

        return pairs;
    }

    private static IReadOnlyList<IReadOnlyDictionary<string, string>>? Entries(List<BakeEntry>? entries, string directory)
    {
        if (entries is not { Count: > 0 })
        {
            return null;
        }

        List<IReadOnlyDictionary<string, string>> made = [];
        foreach (BakeEntry entry in entries)
        {
            Dictionary<string, string> pairs = entry.ToPairs();
            foreach (string key in entry.Type == "local" ? new[] { "src", "dest" } : [])
            {
                if (pairs.TryGetValue(key, out string? path) && path.Length > 0)
                {
                    pairs[key] = BakePaths.Full(path, directory);
                }
            }

            made.Add(pairs);
        }

        return made;
    }

    // A secret with only an id is the environment variable of that name, or else the file.
    private static string Secret(BakeSecret secret, string directory, Func<string, string?> environment) =>
        secret.Variable.Length > 0 ? "env:" + secret.Variable
        : secret.File.Length > 0 ? "file:" + BakePaths.Full(secret.File, directory)
        : environment(secret.Id) is not null ? "env:" + secret.Id : "file:" + BakePaths.Full(secret.Id, directory);

    private static IReadOnlyList<string>? List(List<string>? list) => list is { Count: > 0 } ? list : null;

    private static Dictionary<string, string>? Pairs(SortedDictionary<string, string?>? pairs)
    {
        Dictionary<string, string> made = (pairs ?? []).Where(static p => p.Value is not null).ToDictionary(static p => p.Key, static p => p.Value!, StringComparer.Ordinal);
        return made.Count == 0 ? null : made;
    }

    private static IEnumerable<string> Remainder(BakeTarget target)
    {
        if (target.Call is { Length: > 0 } call && call != "build")
        {
            yield return $"call={call}";
        }

        if (target.Network is { Length: > 0 } network && network is not ("host" or "none" or "default"))
        {
            yield return $"network={network}";
        }

        foreach ((string name, string? value) in target.Resources ?? [])
        {
            yield return $"resources.{name}={value}";
        }

        foreach (string policy in target.Policy ?? [])
        {
            yield return $"policy={policy}";
        }
    }
}
