using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>The variables of a project. The command wins over the environment, and the environment over files.</summary>
internal sealed class ComposeVariables
{
    private readonly Func<string, string?> _outer;
    private readonly Dictionary<string, string> _values;

    private ComposeVariables(Func<string, string?> outer, Dictionary<string, string> values)
    {
        _outer = outer;
        _values = values;
    }

    public static ComposeVariables Read(DefinitionOptions options, string directory)
    {
        ComposeVariables variables = new(n => options.Variables.TryGetValue(n, out string? given) ? given : options.Environment(n), new(StringComparer.Ordinal));
        if (options.EnvironmentFiles is { } named)
        {
            Dictionary<string, string> all = new(StringComparer.Ordinal);
            foreach (string file in named)
            {
                string path = Path.GetFullPath(Path.Join(Path.IsPathRooted(file) ? null : options.WorkingDirectory, file));
                string text = options.ReadFile(path) ?? throw new DefinitionException("the file does not exist.", file);
                foreach ((string name, string value) in ComposeEnvironmentFile.Parse(file, text, n => variables.Lookup(n) ?? all.GetValueOrDefault(n)))
                {
                    all[name] = value;
                }
            }

            return new ComposeVariables(variables.Lookup, all);
        }

        foreach (string folder in new[] { options.WorkingDirectory, directory }.Where(static d => d.Length > 0).Distinct(StringComparer.Ordinal))
        {
            string path = Path.Join(folder, ".env");
            variables = options.ReadFile(path) is { } text ? variables.WithFile(path, text) : variables;
        }

        return variables;
    }

    /// <summary>The name of a project: as given, or else from <c>COMPOSE_PROJECT_NAME</c>, a file or the directory.</summary>
    public static string ProjectName(IReadOnlyList<DefinitionSource> sources, string directory, DefinitionOptions options, ComposeVariables variables, string? fallback)
    {
        if (options.ProjectName is { } given)
        {
            return Normalize(given) == given && given.Length > 0 ? given : throw new DefinitionException($"'{given}' is not a valid project name; use lower-case letters, digits, '-' and '_', starting with a letter or digit.");
        }

        string? name = variables.Lookup("COMPOSE_PROJECT_NAME");
        if (!string.IsNullOrEmpty(name))
        {
            return Normalize(name);
        }

        name = null;
        foreach (ComposeNode document in sources.SelectMany(static s => ComposeYaml.Parse(s.Name, s.Text)))
        {
            if (document.Entry("name") is { } node)
            {
                name = new ComposeInterpolation(variables.Lookup, null).Apply(node)?.ToText("name") ?? name;
            }
        }

        string normal = Normalize(name ?? string.Empty);
        normal = normal.Length > 0 ? normal : fallback ?? Normalize(Path.GetFileName(directory));
        normal = normal.Length > 0 ? normal : Normalize(Path.GetFileName(options.WorkingDirectory));
        return normal.Length > 0 ? normal : throw new DefinitionException("the project has no name; use -ProjectName, or 'name' in the file.");
    }

    public string? Lookup(string name) => _outer(name) ?? _values.GetValueOrDefault(name);

    public ComposeVariables With(string name, string value) => new(n => n == name ? value : Lookup(n), []);

    public ComposeVariables WithFile(string file, string text) => new(Lookup, ComposeEnvironmentFile.Parse(file, text, Lookup));

    private static string Normalize(string name) =>
        string.Concat(name.ToLowerInvariant().Where(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_')).TrimStart('-', '_');
}
