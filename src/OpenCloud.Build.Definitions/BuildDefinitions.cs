using OpenCloud.Build.Definitions.Bake;
using OpenCloud.Build.Definitions.Hcl;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions;

/// <summary>Reads build definitions: Compose files, and bake files in HCL and JSON.</summary>
public static class BuildDefinitions
{
    /// <summary>The file names to look for in a directory when no file is given; later files override earlier ones.</summary>
    public static IReadOnlyList<string> DefaultFiles { get; } =
        [.. ComposeFiles, "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"];

    private static IReadOnlyList<string> ComposeFiles => ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

    /// <summary>Finds the default files that exist in a directory.</summary>
    /// <remarks>With Compose files only, these are the first one and its override file, as in docker compose; otherwise all, as in bake.</remarks>
    /// <param name="exists">Tells whether the directory has a file of this name.</param>
    /// <returns>The file names.</returns>
    public static IReadOnlyList<string> FindFiles(Func<string, bool> exists)
    {
        string[] found = [.. DefaultFiles.Where(exists)];
        if (found.Length == 0 || found.Any(static f => f.StartsWith("docker-bake", StringComparison.Ordinal)))
        {
            return found;
        }

        string[] overrides = ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yml", "docker-compose.override.yaml"];
        return [found[0], .. overrides.Where(exists).Take(1)];
    }

    /// <summary>Reads definitions and returns the requested builds; each one comes after the builds it depends on.</summary>
    /// <param name="sources">The files; later ones override earlier ones.</param>
    /// <param name="options">The options for reading.</param>
    /// <returns>The builds.</returns>
    /// <exception cref="DefinitionException">A file cannot be read, or a requested target does not exist.</exception>
    public static IReadOnlyList<BuildDefinition> Read(IReadOnlyList<DefinitionSource> sources, DefinitionOptions options)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(options);

        DefinitionSource[] known = [.. sources.Select(Recognize)];
        List<BuildDefinition> definitions = options.Origin is null && known.All(static s => s.Language == DefinitionLanguage.Compose)
            ? [.. ComposeBuilds.Read(known, options)]
            : [.. BakeReader.Read(known, options).Resolve(out _).Values.Select(t => ToDefinition(t, options))];
        return Ordered(definitions);
    }

    /// <summary>Gets the names that <see cref="DefinitionOptions.Targets"/> accepts: targets, groups and services.</summary>
    /// <param name="sources">The files.</param>
    /// <param name="options">The options for reading.</param>
    /// <returns>The names, each with its kind: target, group or service.</returns>
    /// <exception cref="DefinitionException">A file cannot be read.</exception>
    public static IReadOnlyList<(string Name, string Kind)> Names(IReadOnlyList<DefinitionSource> sources, DefinitionOptions options)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(options);

        DefinitionSource[] known = [.. sources.Select(Recognize)];
        if (known.All(static s => s.Language == DefinitionLanguage.Compose))
        {
            return [.. ComposeBuilds.Names(known, options).Select(static n => (n, "service"))];
        }

        BakeReader reader = BakeReader.Read(known, options);
        return [.. reader.Groups.Select(static g => (g.Name, "group")), .. reader.Targets.Select(static t => (t.Name, "target"))];
    }

    /// <summary>Finds the privileges that a definition requests and that are not granted.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="granted">The granted privileges. A path covers what is below it, <c>*</c> every path, and <c>fs</c> both kinds of access.</param>
    /// <param name="directory">The base directory of relative paths.</param>
    /// <returns>The missing privileges.</returns>
    public static IReadOnlyList<string> FindMissing(BuildDefinition definition, IReadOnlyList<string> granted, string directory)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(granted);

        return [.. definition.Privilege.Where(p => !granted.Any(g => BakePrivileges.Includes(g, p, directory)))];
    }

    // A remote definition gets nothing of this machine without being granted it.
    private static BuildDefinition ToDefinition(BakeTarget target, DefinitionOptions options)
    {
        BuildDefinition build = BakeMapping.ToDefinition(target, options.WorkingDirectory, options.Environment, options.Origin);
        if (options.Origin is { } origin)
        {
            build = BakeRemote.WithCredentials(build, origin, options.Environment);
        }

        return build with { Privilege = BakePrivileges.Of(build, options.WorkingDirectory, isRemote: options.Origin is not null) };
    }

    private static DefinitionSource Recognize(DefinitionSource source)
    {
        if (source.Text.Length > DefinitionSource.MostCharacters)
        {
            throw new DefinitionException($"the definition has more than {DefinitionSource.MostCharacters} characters.", source.Name);
        }

        if (source.Language != DefinitionLanguage.Unknown)
        {
            return source;
        }

        DefinitionLanguage language = Path.GetExtension(source.Name).ToLowerInvariant() switch
        {
            ".yml" or ".yaml" => DefinitionLanguage.Compose,
            ".json" => DefinitionLanguage.Json,
            ".hcl" => DefinitionLanguage.Hcl,
            _ => source.Text.AsSpan().TrimStart().StartsWith("{") ? DefinitionLanguage.Json : IsHcl(source) ? DefinitionLanguage.Hcl : DefinitionLanguage.Compose,
        };
        return source with { Language = language };
    }

    private static bool IsHcl(DefinitionSource source)
    {
        try
        {
            HclParser.Parse(source.Name, source.Text);
            return true;
        }
        catch (HclException)
        {
            return false;
        }
    }

    private static List<BuildDefinition> Ordered(List<BuildDefinition> definitions)
    {
        Dictionary<string, BuildDefinition> byName = definitions.ToDictionary(static d => d.Name, StringComparer.Ordinal);
        List<BuildDefinition> ordered = [];
        HashSet<string> placed = new(StringComparer.Ordinal);
        foreach (BuildDefinition definition in definitions)
        {
            Place(definition);
        }

        return ordered;

        void Place(BuildDefinition definition)
        {
            if (!placed.Add(definition.Name))
            {
                return;
            }

            foreach (string other in definition.DependsOn)
            {
                if (byName.TryGetValue(other, out BuildDefinition? needed))
                {
                    Place(needed);
                }
            }

            ordered.Add(definition);
        }
    }
}
