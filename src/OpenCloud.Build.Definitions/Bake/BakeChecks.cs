using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Refuses values that would read differently when shown, or when the build parses them again.</summary>
internal static class BakeChecks
{
    public static void Check(BakeTarget target)
    {
        Refuse("name", [target.Name]);
        Refuse("description", [target.Description?.Replace('\n', ' ').Replace('\r', ' ').Replace('\t', ' ')]);
        Refuse("tags", target.Tags);
        Refuse("target", [target.Target]);
        Refuse("platforms", target.Platforms);
        Refuse("context", [target.Context]);
        Refuse("contexts", [.. target.Contexts?.Keys ?? Enumerable.Empty<string>(), .. target.Contexts?.Values ?? Enumerable.Empty<string>()]);
        Refuse("dockerfile", [target.Dockerfile]);
        Refuse("output", Places(target.Outputs));
        Refuse("cache-from", Places(target.CacheFrom));
        Refuse("cache-to", Places(target.CacheTo));
        Refuse("secret", target.Secrets?.SelectMany(static s => new[] { s.Id, s.File, s.Variable }));
        Refuse("ssh", target.Ssh?.SelectMany(static s => s.Paths.Append(s.Id)));
        Refuse("entitlements", target.Entitlements);
        foreach (BakeSsh agent in target.Ssh ?? [])
        {
            // The build parses 'id=path,path' again.
            if (agent.Id.AsSpan().ContainsAny('=', ',') || agent.Paths.Any(static p => p.Contains(',', StringComparison.Ordinal)))
            {
                throw new DefinitionException($"the target '{target.Name}': an id in 'ssh' has '=' or ',' in it, or a path has ','.", target.File, target.Line);
            }
        }

        foreach (string context in (target.Contexts?.Values ?? Enumerable.Empty<string>()).Where(BakePaths.IsLayout))
        {
            int at = context.IndexOf('@', StringComparison.Ordinal);
            if (at >= 0 && context.IndexOf('/', at) >= 0)
            {
                throw new DefinitionException($"the target '{target.Name}': '{context}' has '/' behind '@', where a digest is expected.", target.File, target.Line);
            }
        }

        void Refuse(string field, IEnumerable<string?>? texts)
        {
            if (texts?.Any(static t => t?.Any(IsUnreadable) == true) == true)
            {
                string name = string.Concat(target.Name.Select(static c => IsUnreadable(c) ? '?' : c));
                throw new DefinitionException($"the target '{name}': '{field}' has a control character in it.", target.File, target.Line);
            }
        }
    }

    private static IEnumerable<string?>? Places(List<BakeEntry>? entries) =>
        entries?.SelectMany(static e => new[] { e.Type, e.Attributes.GetValueOrDefault("dest"), e.Attributes.GetValueOrDefault("src"), e.Attributes.GetValueOrDefault("ref") });

    // Bidirectional controls change the order in which other characters are shown.
    private static bool IsUnreadable(char c) => char.IsControl(c) || c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
