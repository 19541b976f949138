using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>Loads the files of a project: substitutes variables, resolves <c>include</c> and <c>extends</c>, and merges the files.</summary>
internal sealed class ComposeLoader
{
    private const int MostFiles = 200;

    private readonly DefinitionOptions _options;
    private readonly ComposeVariables _variables;
    private readonly string _directory;
    private readonly HashSet<string> _unset;
    private readonly string[] _included;
    private readonly Dictionary<string, ComposeNode> _bases = new(StringComparer.Ordinal);
    private readonly Counter _files;

    private ComposeLoader(DefinitionOptions options, ComposeVariables variables, string directory, HashSet<string> unset, string[] included, Counter files)
    {
        _options = options;
        _variables = variables;
        _directory = directory;
        _unset = unset;
        _included = included;
        _files = files;
    }

    /// <summary>Loads a project from files; later ones override earlier ones.</summary>
    /// <remarks>Bake gives an empty directory: paths stay relative, and build arguments without a value stay unset.</remarks>
    public static ComposeProject Load(IReadOnlyList<DefinitionSource> sources, string directory, DefinitionOptions options)
    {
        bool isBake = directory.Length == 0;
        ComposeVariables variables = ComposeVariables.Read(options, directory);
        string name = ComposeVariables.ProjectName(sources, directory, options, variables, isBake ? "bake" : null);
        variables = variables.With("COMPOSE_PROJECT_NAME", name);
        ComposeLoader loader = new(options, variables, directory, new HashSet<string>(StringComparer.Ordinal), [], new Counter());
        ComposeNode model = loader.Files(sources);
        return ComposeReader.Read(model, name, directory, isBake ? null : variables.Lookup);
    }

    private ComposeNode Files(IReadOnlyList<DefinitionSource> sources)
    {
        ComposeNode? model = null;
        foreach (DefinitionSource source in sources)
        {
            foreach (ComposeNode document in ComposeYaml.Parse(source.Name, source.Text))
            {
                model = Document(document, source, model);
            }
        }

        return ComposePaths.Resolve(model ?? throw new DefinitionException("the Compose file is empty.", sources.Count > 0 ? sources[0].Name : null), _directory, _variables.Lookup);
    }

    private ComposeNode Document(ComposeNode document, DefinitionSource source, ComposeNode? before)
    {
        (ComposeNode file, List<string[]> resets) = Interpolate(document);
        file = Include(file, source);
        foreach (string[] path in resets)
        {
            before = before is null ? null : ComposeMerge.Without(before, path);
        }

        file = Extend(file, source, resets);
        return ComposeMerge.Files(before ?? ComposeNode.Mapping(source.Name, 1, new(StringComparer.Ordinal)), file);
    }

    private (ComposeNode File, List<string[]> Resets) Interpolate(ComposeNode document)
    {
        ComposeKeys.Check(document.IsNull ? throw document.Refuse("the Compose file is empty.") : document);
        ComposeInterpolation interpolation = new(_variables.Lookup, Unset);
        Dictionary<string, ComposeNode> sections = new(StringComparer.Ordinal);
        ComposeNode file = interpolation.Apply(document) ?? throw document.Refuse("the Compose file is empty.");
        foreach ((string name, ComposeNode section) in file.Entries!)
        {
            if (name == "services")
            {
                sections[name] = ComposeNode.Mapping(section.File, section.Line, (section.IsNull ? [] : section.ToEntries(name)).ToDictionary(static s => s.Key, static s => Kept(s.Value), StringComparer.Ordinal));
            }
            else if (name is "secrets" or "include" && !section.IsNull)
            {
                sections[name] = section;
            }
        }

        return (ComposeNode.Mapping(file.File, file.Line, sections), interpolation.Resets);
    }

    private static ComposeNode Kept(ComposeNode service) => ComposeNode.Mapping(
        service.File,
        service.Line,
        (service.Entries ?? []).Where(static e => ComposeKeys.Kept.Contains(e.Key)).ToDictionary(static e => e.Key, static e => e.Value, StringComparer.Ordinal));

    private void Unset(string name)
    {
        if (_unset.Add(name))
        {
            _options.Warn?.Invoke($"The variable '{name}' is not set; an empty string is used.");
        }
    }

    private DefinitionSource Read(string path, ComposeNode node)
    {
        if (++_files.Count > MostFiles)
        {
            throw node.Refuse($"more than {MostFiles} files are included or extended.");
        }

        string full = Path.Join(Path.IsPathRooted(path) ? null : _options.WorkingDirectory, path);
        return new DefinitionSource(path, _options.ReadFile(full) ?? throw node.Refuse($"the file '{path}' does not exist."), DefinitionLanguage.Compose) { FullPath = path };
    }

    private ComposeNode Include(ComposeNode file, DefinitionSource source)
    {
        if (file.Entry("include") is not { } includes)
        {
            return file;
        }

        Dictionary<string, ComposeNode> sections = new(file.Entries!, StringComparer.Ordinal);
        sections.Remove("include");
        foreach (ComposeNode include in includes.Items ?? throw includes.Refuse("'include' must be a list."))
        {
            ComposeNode paths = include.Entries is null ? include : include.Entry("path") ?? throw include.Refuse("'include' has no 'path'.");
            ComposeNode imported = Included(include, [.. (paths.Items ?? [paths]).Select(p => Full(p.ToText("path")))], source);
            foreach (string section in new[] { "services", "secrets" })
            {
                Dictionary<string, ComposeNode> all = new(sections.TryGetValue(section, out ComposeNode? own) ? own.Entries! : [], StringComparer.Ordinal);
                foreach ((string name, ComposeNode value) in imported.Entry(section)?.Entries ?? [])
                {
                    all[name] = all.TryGetValue(name, out ComposeNode? conflict) ? ComposeMerge.Services(value, conflict) : value;
                }

                sections[section] = ComposeNode.Mapping(file.File, file.Line, all);
            }
        }

        return ComposeNode.Mapping(file.File, file.Line, sections);
    }

    private ComposeNode Included(ComposeNode include, string[] paths, DefinitionSource source)
    {
        string chain = source.FullPath ?? source.Name;
        if (paths.Length == 0 || _included.Contains(paths[0]) || paths[0] == chain)
        {
            throw include.Refuse("the file includes itself, or does not name a file.");
        }

        string directory = include.Entry("project_directory") is { } given ? Full(given.ToText("project_directory")) : Path.GetDirectoryName(paths[0])!;
        string[] files = include.Entry("env_file") is { } named
            ? [.. (named.Items ?? [named]).Select(static f => f.ToText("env_file")).Where(static f => f != "/dev/null").Select(Full)]
            : [];
        ComposeVariables variables = _variables;
        foreach (string file in files.Length > 0 ? files : [Path.Join(directory, ".env")])
        {
            string? text = _options.ReadFile(file);
            variables = text is null ? files.Length > 0 ? throw include.Refuse($"the file '{file}' does not exist.") : variables : variables.WithFile(file, text);
        }

        ComposeLoader inner = new(_options, variables, directory, _unset, [.. _included, chain], _files);
        return inner.Files([.. paths.Select(p => Read(p, include))]);
    }

    private string Full(string path) => ComposePaths.Full(path, _directory, _variables.Lookup);

    private ComposeNode Extend(ComposeNode file, DefinitionSource source, List<string[]> resets)
    {
        if (file.Entry("services") is not { } services)
        {
            return file;
        }

        Dictionary<string, ComposeNode> extended = new(StringComparer.Ordinal);
        foreach (string name in services.Entries!.Keys)
        {
            extended[name] = Extended(name, services, source.FullPath ?? source.Name, resets, []);
        }

        Dictionary<string, ComposeNode> sections = new(file.Entries!, StringComparer.Ordinal) { ["services"] = ComposeNode.Mapping(services.File, services.Line, extended) };
        return ComposeNode.Mapping(file.File, file.Line, sections);
    }

    private ComposeNode Extended(string name, ComposeNode services, string file, List<string[]> resets, string[] way)
    {
        ComposeNode service = services.Entries![name];
        if (service.Entry("extends") is not { } extends)
        {
            return service;
        }

        string step = $"{file}:{name}";
        if (way.Contains(step) || way.Length > 100)
        {
            throw extends.Refuse($"the service '{name}' extends itself.");
        }

        ComposeNode? target = extends.Entries is null ? extends : extends.Entry("service");
        string reference = (target ?? throw extends.Refuse("'extends' has no 'service'.")).ToText("extends");
        string? path = extends.Entry("file") is { } named ? Full(named.ToText("file")) : null;
        ComposeNode others = path is null ? services : Base(path, extends);
        if (!others.Entries!.ContainsKey(reference))
        {
            throw extends.Refuse($"the service '{name}' extends '{reference}', which is not in {(path is null ? "the file" : $"'{path}'")}.");
        }

        ComposeNode inherited = Extended(reference, others, path ?? file, path is null ? resets : [], [.. way, step]);
        foreach (string[] reset in resets)
        {
            if (reset.Length > 2 && reset[0] == "services" && reset[1] == name)
            {
                inherited = ComposeMerge.Without(inherited, reset.AsSpan(2));
            }
        }

        return ComposeMerge.Without(ComposeMerge.Services(inherited, service), ["extends"]);
    }

    // The services of another file, with full paths. Their own 'extends' is resolved when they are extended.
    private ComposeNode Base(string path, ComposeNode node)
    {
        if (_bases.TryGetValue(path, out ComposeNode? known))
        {
            return known;
        }

        DefinitionSource source = Read(path, node);
        ComposeNode? all = null;
        foreach (ComposeNode document in ComposeYaml.Parse(source.Name, source.Text))
        {
            (ComposeNode file, List<string[]> resets) = Interpolate(document);
            foreach (string[] reset in resets)
            {
                all = all is null ? null : ComposeMerge.Without(all, reset);
            }

            all = ComposeMerge.Files(all ?? ComposeNode.Mapping(path, 1, new(StringComparer.Ordinal)), file);
        }

        ComposeNode services = (all is null ? null : ComposePaths.Resolve(all, Path.GetDirectoryName(path)!, _variables.Lookup).Entry("services"))
            ?? throw node.Refuse($"'{path}' has no services.");
        return _bases[path] = services;
    }

    private sealed class Counter
    {
        public int Count { get; set; }
    }
}
