using System.Text.RegularExpressions;

namespace OpenCloud.Build.Help;

/// <summary>A piece of text with its heading.</summary>
internal sealed record Topic(string Title, IReadOnlyList<Block> Blocks);

/// <summary>A paragraph, or a fenced block of code.</summary>
internal sealed record Block(string Text, bool IsCode);

/// <summary>The prose of one cmdlet, as docs/help/Verb-Noun.md has it (docs/help/README.md describes the form).</summary>
internal sealed partial class HelpSource
{
    private static readonly string[] Required = ["Description", "Examples", "Outputs"];
    private static readonly string[] Known = ["Description", "Parameters", "Examples", "Inputs", "Outputs", "Notes", "Links"];

    private HelpSource(string title, IReadOnlyList<Block> synopsis, Dictionary<string, (IReadOnlyList<Block> Blocks, List<Topic> Topics)> sections)
    {
        Title = title;
        Synopsis = synopsis;
        Sections = sections;
    }

    public string Title { get; }

    public IReadOnlyList<Block> Synopsis { get; }

    private Dictionary<string, (IReadOnlyList<Block> Blocks, List<Topic> Topics)> Sections { get; }

    public IReadOnlyList<Block> Text(string section) => Sections.TryGetValue(section, out (IReadOnlyList<Block> Blocks, List<Topic> Topics) found) ? found.Blocks : [];

    public IReadOnlyList<Topic> Topics(string section) => Sections.TryGetValue(section, out (IReadOnlyList<Block> Blocks, List<Topic> Topics) found) ? found.Topics : [];

    /// <summary>The prose of a parameter, without the line that gives its default.</summary>
    public IReadOnlyList<Block> Parameter(string name) =>
        [.. (Topics("Parameters").FirstOrDefault(t => t.Title == "-" + name)?.Blocks ?? []).Where(static b => !DefaultLine().IsMatch(b.Text))];

    public string? DefaultOf(string name) =>
        Topics("Parameters").FirstOrDefault(t => t.Title == "-" + name)?.Blocks.Select(static b => DefaultLine().Match(b.Text)).FirstOrDefault(static m => m.Success)?.Groups[1].Value;

    /// <summary>Related topics: a name or a Markdown link on each line of the Links section.</summary>
    public IEnumerable<(string Text, string Uri)> Links()
    {
        foreach (string line in Text("Links").SelectMany(static b => b.Text.Split('\n')))
        {
            Match link = MarkdownLink().Match(line);
            yield return link.Success ? (link.Groups[1].Value, link.Groups[2].Value) : (line.TrimStart('-', ' '), "");
        }
    }

    public static HelpSource Parse(string text)
    {
        string? title = null;
        List<Block> synopsis = [];
        Dictionary<string, (IReadOnlyList<Block> Blocks, List<Topic> Topics)> sections = [];
        List<Block> current = synopsis;
        List<Topic>? topics = null;
        List<string> paragraph = [];
        bool code = false;

        void EndParagraph(bool isCode)
        {
            if (paragraph.Count > 0)
            {
                bool list = paragraph.TrueForAll(static l => l.StartsWith("- ", StringComparison.Ordinal) || l.StartsWith("  ", StringComparison.Ordinal));
                string joined = isCode || list ? string.Join('\n', paragraph) : string.Join(' ', paragraph);
                current.Add(new Block(isCode ? joined : joined.Replace("`", "", StringComparison.Ordinal), isCode));
                paragraph.Clear();
            }
        }

        foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                EndParagraph(code);
                code = !code;
            }
            else if (code)
            {
                paragraph.Add(line);
            }
            else if (line.StartsWith('#'))
            {
                EndParagraph(false);
                string heading = line.TrimStart('#').Trim();
                switch (line.Length - line.TrimStart('#').Length)
                {
                    case 1:
                        title = heading;
                        break;
                    case 2 when Known.Contains(heading) && !sections.ContainsKey(heading):
                        current = [];
                        topics = [];
                        sections.Add(heading, (current, topics));
                        break;
                    case 3 when topics is not null:
                        current = [];
                        topics.Add(new Topic(heading.Replace("`", "", StringComparison.Ordinal), current));
                        break;
                    default:
                        throw new FormatException($"heading '{line}' is not expected here (sections: {string.Join(", ", Known)}, each once)");
                }
            }
            else if (string.IsNullOrWhiteSpace(line))
            {
                EndParagraph(false);
            }
            else
            {
                paragraph.Add(line.TrimEnd());
            }
        }

        EndParagraph(false);
        return code
            ? throw new FormatException("a block of code is not closed")
            : new HelpSource(title ?? throw new FormatException("the first line must be '# Verb-Noun'"), synopsis, sections);
    }

    /// <summary>Says where the prose does not fit the cmdlet.</summary>
    public IEnumerable<string> Check(CmdletModel cmdlet)
    {
        if (Title != cmdlet.Name)
        {
            yield return $"the title is '{Title}', not '{cmdlet.Name}'";
        }

        if (Synopsis.Count != 1)
        {
            yield return "exactly one paragraph, the synopsis, belongs below the title";
        }

        foreach (string section in Required.Where(s => Text(s).Count == 0 && Topics(s).Count == 0))
        {
            yield return $"section '{section}' is missing or empty";
        }

        foreach (ParameterModel parameter in cmdlet.Parameters.Where(p => Parameter(p.Name).Count == 0))
        {
            yield return $"parameter -{parameter.Name} is not described";
        }

        foreach (Topic topic in Topics("Parameters").Where(t => !cmdlet.Parameters.Any(p => "-" + p.Name == t.Title)))
        {
            yield return $"'{topic.Title}' is no parameter of {cmdlet.Name}";
        }

        foreach (Topic example in Topics("Examples").Where(static t => !t.Blocks.Any(static b => b.IsCode)))
        {
            yield return $"example '{example.Title}' has no block of code";
        }
    }

    [GeneratedRegex(@"^Default: (.+)$")]
    private static partial Regex DefaultLine();

    [GeneratedRegex(@"^- \[([^\]]+)\]\(([^)]+)\)$")]
    private static partial Regex MarkdownLink();
}
