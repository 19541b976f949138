using System.Globalization;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>
/// A Dockerfile, parsed far enough to check it before anything is sent: directives, stages and base images. The meaning of instructions is left
/// to the engine, and unknown instructions are accepted.
/// </summary>
/// <remarks>
/// Facts: moby/buildkit, frontend/dockerfile/parser (parser.go, directives.go, split_command.go) and instructions/parse.go.
/// </remarks>
public sealed class DockerfileText
{
    private readonly IReadOnlyList<DockerfileInstruction> _instructions;

    private DockerfileText(string? syntax, bool isDockerfile, char escape, IReadOnlyList<DockerfileInstruction> instructions)
    {
        _instructions = instructions;
        Syntax = syntax;
        IsDockerfile = isDockerfile;
        Escape = escape;
    }

    /// <summary>The requested frontend, mostly from a <c># syntax=</c> directive; null for the engine's own.</summary>
    public string? Syntax { get; }

    /// <summary>
    /// False when <see cref="Syntax"/> names a frontend of another language. Then only the directive was read, there are no stages, and the
    /// file may still be valid.
    /// </summary>
    public bool IsDockerfile { get; }

    /// <summary>
    /// False when a here-document seems to have no end. Then only the part before it is known, and the engine decides whether the file is
    /// valid.
    /// </summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>The line continuation character: a backslash, or the backtick with a <c># escape=</c> directive.</summary>
    public char Escape { get; }

    /// <summary>The stages, in file order.</summary>
    public IReadOnlyList<DockerfileStage> Stages { get; private set; } = [];

    /// <summary>The ARG instructions before the first FROM, in file order.</summary>
    public IReadOnlyList<DockerfileArgument> GlobalArguments { get; private set; } = [];

    /// <summary>The names of all ARG instructions, each once, in file order.</summary>
    public IReadOnlyList<string> ArgumentNames =>
        [.. _instructions.Where(static i => i.Is("ARG")).SelectMany(i => i.ToArguments(Escape)).Select(static a => a.Name).Distinct(StringComparer.Ordinal)];

    /// <summary>The ids of <c>RUN --mount=type=secret</c>, each once, in file order.</summary>
    public IReadOnlyList<string> SecretIds => [.. _instructions.SelectMany(static i => i.MountIds("secret")).Distinct(StringComparer.Ordinal)];

    /// <summary>The ids of <c>RUN --mount=type=ssh</c>, each once, in file order.</summary>
    public IReadOnlyList<string> SshIds => [.. _instructions.SelectMany(static i => i.MountIds("ssh")).Distinct(StringComparer.Ordinal)];

    /// <summary>Parses a Dockerfile.</summary>
    /// <param name="text">The whole text; may have a byte order mark and any line ends.</param>
    /// <param name="syntax">The frontend in the build argument <c>BUILDKIT_SYNTAX</c>, which overrides the directive.</param>
    /// <exception cref="DockerfileException">The engine could not parse the text, or it has no FROM.</exception>
    public static DockerfileText Parse(string text, string? syntax = null)
    {
        ArgumentNullException.ThrowIfNull(text);

        syntax = string.IsNullOrEmpty(syntax) ? DockerfileSyntaxDirective.Detect(text) : syntax;
        if (syntax is not null && !DockerfileSyntaxDirective.IsDockerfile(syntax))
        {
            return new DockerfileText(syntax, false, '\\', []);
        }

        DockerfileReader reader = new(text);
        List<DockerfileInstruction> instructions = [.. reader.Read()];
        DockerfileText file = new(syntax, true, reader.Escape, instructions);
        file.FindStages(reader.DoubtfulLine);
        return file;
    }

    /// <summary>Finds the stage that <paramref name="target"/> names: by case-insensitive name, or by number from 0.</summary>
    public DockerfileStage? FindStage(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return Stages.LastOrDefault(s => string.Equals(s.Name, target, StringComparison.OrdinalIgnoreCase))
            ?? (int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < Stages.Count ? Stages[index] : null);
    }

    /// <summary>
    /// The images that FROM, <c>COPY --from</c> and <c>RUN --mount=from</c> name, each once, without stages and <c>scratch</c>. Names that
    /// cannot be determined here (an ARG without a value, say) are left out.
    /// </summary>
    /// <param name="buildArguments">Values that override the defaults of ARG.</param>
    /// <param name="target">The target platform; this machine's when null.</param>
    public IReadOnlyList<string> FindImages(IReadOnlyDictionary<string, string>? buildArguments = null, Platform? target = null)
    {
        Dictionary<string, string> variables = Variables(buildArguments ?? new Dictionary<string, string>(), target ?? Platform.Current);
        HashSet<string> stages = new(StringComparer.OrdinalIgnoreCase);
        OrderedDictionary<string, bool> images = new(StringComparer.Ordinal);
        int stage = 0;
        foreach (DockerfileInstruction instruction in _instructions)
        {
            IEnumerable<string?> named;
            if (instruction.Is("FROM"))
            {
                named = [Expand(Stages[stage].Base, variables)];
            }
            else
            {
                named = instruction.SourceNames(Escape).Select(n => Expand(n, variables));
            }

            foreach (string? name in named)
            {
                bool isNumber = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _);
                if (!string.IsNullOrEmpty(name) && name != "scratch" && !isNumber && !stages.Contains(name))
                {
                    images.TryAdd(name, true);
                }
            }

            if (instruction.Is("FROM") && Stages[stage++].Name is { } stageName)
            {
                stages.Add(stageName);
            }
        }

        return [.. images.Keys];
    }

    private string? Expand(string word, Dictionary<string, string> variables) =>
        new DockerfileLexer(Escape) { Lookup = variables.GetValueOrDefault }.TryExpand(word, out string? expanded) ? expanded : null;

    private Dictionary<string, string> Variables(IReadOnlyDictionary<string, string> buildArguments, Platform target)
    {
        Dictionary<string, string> variables = new(StringComparer.Ordinal);
        foreach ((string prefix, Platform platform) in new[] { ("BUILD", Platform.Current), ("TARGET", target) })
        {
            variables[prefix + "PLATFORM"] = platform.ToString();
            variables[prefix + "OS"] = platform.OperatingSystem;
            variables[prefix + "ARCH"] = platform.Architecture;
            variables[prefix + "VARIANT"] = platform.Variant;
        }

        foreach (string name in variables.Keys.Where(buildArguments.ContainsKey).ToList())
        {
            variables[name] = buildArguments[name];
        }

        foreach (DockerfileArgument argument in GlobalArguments)
        {
            string? value = buildArguments.TryGetValue(argument.Name, out string? given)
                ? given
                : argument.Default is null ? null : Expand(argument.Default, variables);
            if (value is not null)
            {
                variables[argument.Name] = value;
            }
        }

        return variables;
    }

    private void FindStages(int doubtfulLine)
    {
        List<DockerfileStage> stages = [];
        List<DockerfileArgument> arguments = [];
        IsComplete = doubtfulLine == 0;
        foreach (DockerfileInstruction instruction in _instructions)
        {
            if (!IsComplete && instruction.Line > doubtfulLine)
            {
                break;
            }

            if (instruction.Is("FROM"))
            {
                stages.Add(instruction.ToStage(stages.Count));
            }
            else if (stages.Count == 0)
            {
                if (!instruction.Is("ARG"))
                {
                    throw new DockerfileException(instruction.Line, $"{instruction.Keyword} is not allowed before the first FROM; only ARG is.");
                }

                arguments.AddRange(instruction.ToArguments(Escape));
            }
        }

        if (stages.Count == 0)
        {
            throw new DockerfileException(1, _instructions.Count == 0 ? "The Dockerfile has no instructions." : "The Dockerfile has no FROM.");
        }

        if (!IsComplete)
        {
            // The following lines are parsed as instructions where possible: a caller who asks for images or stages prefers too many to too few.
            AddDoubtful(stages, doubtfulLine);
        }

        Stages = stages;
        GlobalArguments = arguments;
    }

    private void AddDoubtful(List<DockerfileStage> stages, int doubtfulLine)
    {
        foreach (DockerfileInstruction instruction in _instructions.Where(i => i.Line > doubtfulLine && i.Is("FROM")))
        {
            try
            {
                stages.Add(instruction.ToStage(stages.Count));
            }
            catch (DockerfileException)
            {
                // So it is text.
                stages.Add(new DockerfileStage(stages.Count, null, "", null, instruction.Line));
            }
        }
    }
}

/// <summary>A stage of a Dockerfile: a FROM and the instructions up to the next one.</summary>
/// <param name="Index">The number, from 0.</param>
/// <param name="Name">The name after AS, in lower case; null when there is none.</param>
/// <param name="Base">The base image or stage as written, with variables not expanded.</param>
/// <param name="Platform">The value of <c>--platform</c> as written; null when there is none.</param>
/// <param name="Line">The line of its FROM, from 1.</param>
public sealed record DockerfileStage(int Index, string? Name, string Base, string? Platform, int Line);

/// <summary>An ARG before the first FROM.</summary>
/// <param name="Name">The name.</param>
/// <param name="Default">The default as written; null when there is none.</param>
/// <param name="Line">The line, from 1.</param>
public sealed record DockerfileArgument(string Name, string? Default, int Line);

/// <summary>A Dockerfile that the engine could not parse.</summary>
public sealed class DockerfileException : FormatException
{
    private const int LongestReason = 500;

    internal DockerfileException(int line, string reason)
        : base(string.Create(CultureInfo.InvariantCulture, $"line {line}: {TerminalText.Bounded(reason, LongestReason)}"))
    {
        Line = line;
        Reason = TerminalText.Bounded(reason, LongestReason);
    }

    /// <summary>The line, from 1.</summary>
    public int Line { get; }

    /// <summary>What is wrong on that line, as a sentence.</summary>
    public string Reason { get; }
}
