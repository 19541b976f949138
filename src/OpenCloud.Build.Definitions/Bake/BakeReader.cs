using OpenCloud.Build.Definitions.Compose;
using OpenCloud.Build.Definitions.Hcl;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Reads bake files, and Compose files given with them, into targets and groups.</summary>
internal sealed class BakeReader
{
    private const string NoEnvironment = "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP";

    private readonly DefinitionOptions _options;

    private BakeReader(DefinitionOptions options) => _options = options;

    public List<BakeTarget> Targets { get; } = [];

    public List<BakeGroup> Groups { get; } = [];

    /// <exception cref="DefinitionException">A file cannot be read.</exception>
    public static BakeReader Read(IReadOnlyList<DefinitionSource> sources, DefinitionOptions options)
    {
        BakeReader reader = new(options);
        DefinitionSource[] compose = [.. sources.Where(static s => s.Language == DefinitionLanguage.Compose)];
        if (compose.Length > 0)
        {
            ComposeProject project = ComposeLoader.Load(compose, string.Empty, options);
            ComposeTargets.Add(project, ComposeVariables.Read(options, string.Empty).Lookup, reader.Targets, reader.Groups);
        }

        try
        {
            HclBody[] bodies = [.. sources.Where(static s => s.Language != DefinitionLanguage.Compose).Select(static s => s.Language == DefinitionLanguage.Json ? BakeDocument.ParseJson(s.Name, s.Text) : HclParser.Parse(s.Name, s.Text))];
            if (bodies.Length > 0)
            {
                Dictionary<string, string> given = new(StringComparer.Ordinal) { ["BAKE_CMD_CONTEXT"] = "cwd://", ["BAKE_LOCAL_PLATFORM"] = options.LocalPlatform };
                new BakeDocument(bodies, given, reader.Lookup).Evaluate(reader.Targets, reader.Groups);
            }
        }
        catch (HclException exception)
        {
            throw new DefinitionException(exception.Message, exception.Position.File, exception.Position.Line, exception);
        }

        return reader;
    }

    /// <summary>Resolves the requested targets and those that they use as contexts, by name.</summary>
    public SortedDictionary<string, BakeTarget> Resolve(out IReadOnlyDictionary<string, BakeGroup> groups)
    {
        IReadOnlyList<string> asked = _options.Targets.Count > 0 ? _options.Targets
            : Groups.Exists(static g => g.Name == "default") || Targets.Exists(static t => t.Name == "default") ? ["default"]
            : [.. Targets.Select(static t => t.Name)];
        BakeResolver resolver = new(Targets, Groups, BakeOverride.Read(_options.Overrides, Targets, _options.Environment));
        SortedDictionary<string, BakeTarget> targets = resolver.Resolve(asked);
        groups = resolver.Groups;
        return targets;
    }

    private string? Lookup(string name) => _options.Variables.TryGetValue(name, out string? given) ? given
        : _options.Environment(NoEnvironment) is "1" or "true" or "t" or "T" or "TRUE" or "True" ? null : _options.Environment(name);
}
