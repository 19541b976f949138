using OpenCloud.Build.Definitions.Bake;
using OpenCloud.Build.Definitions.Hcl;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions;

/// <summary>Reads definitions of builds: Compose files, and bake files in HCL and JSON.</summary>
public static class BuildDefinitions
{
    /// <summary>The files of a directory that are read where none is named, in the order in which they count.</summary>
    public static IReadOnlyList<string> DefaultFiles { get; } =
        [.. ComposeFiles, "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"];

    private static IReadOnlyList<string> ComposeFiles => ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

    /// <summary>The default files that a directory has.</summary>
    /// <remarks>Where there are only Compose files, they are the first one and its override, as docker compose takes them; else all, as bake does.</remarks>
    /// <param name="exists">Whether the directory has a file of a name.</param>
    /// <returns>The names.</returns>
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

    /// <summary>Reads definitions and gives the builds that are asked for, those that others take from first.</summary>
    /// <param name="sources">The files, the later over the earlier.</param>
    /// <param name="options">What they are read with.</param>
    /// <returns>The builds.</returns>
    /// <exception cref="DefinitionException">A file cannot be read, or has no such target.</exception>
    public static IReadOnlyList<BuildDefinition> Read(IReadOnlyList<DefinitionSource> sources, DefinitionOptions options)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(options);

        DefinitionSource[] known = [.. sources.Select(Recognize)];
        List<BuildDefinition> definitions = known.All(static s => s.Language == DefinitionLanguage.Compose)
            ? [.. ComposeBuilds.Read(known, options)]
            : [.. BakeReader.Read(known, options).Resolve(out _).Values.Select(t => BakeMapping.ToDefinition(t, options.WorkingDirectory, asks: true))];
        return Ordered(definitions);
    }

    /// <summary>The names that <see cref="DefinitionOptions.Targets"/> may have: of targets, groups and services.</summary>
    /// <param name="sources">The files.</param>
    /// <param name="options">What they are read with.</param>
    /// <returns>The names and what they are.</returns>
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

    /// <summary>The privileges that a definition asks for and that are not granted.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="granted">What is granted, in the same words; a path includes what is below it, <c>*</c> every path, and <c>fs</c> both kinds of access.</param>
    /// <param name="directory">The directory that relative paths start from.</param>
    /// <returns>The privileges.</returns>
    public static IReadOnlyList<string> FindMissing(BuildDefinition definition, IReadOnlyList<string> granted, string directory)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(granted);

        return [.. definition.Privilege.Where(p => !granted.Any(g => BakePrivileges.Includes(g, p, directory)))];
    }

    /// <summary>The language of a file, by its name, or else by its text.</summary>
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
