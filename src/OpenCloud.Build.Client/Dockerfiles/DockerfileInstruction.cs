using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>
/// One instruction. <c>Flags</c> are the words that begin with <c>--</c>, without their quotes; <c>Whole</c> has its continued lines joined;
/// <c>Line</c> is its first line, from 1.
/// </summary>
internal sealed partial record DockerfileInstruction(string Keyword, IReadOnlyList<string> Flags, string Rest, string Whole, int Line)
{
    private static readonly string[] TakesHereDocuments = ["RUN", "COPY", "ADD"];

    public static DockerfileInstruction Split(string whole, int line, char escape)
    {
        string trimmed = whole.Trim();
        Match blank = Blank().Match(trimmed);
        if (!blank.Success)
        {
            return new DockerfileInstruction(trimmed, [], "", whole, line);
        }

        (List<string> flags, string rest) = SplitFlags(trimmed[(blank.Index + blank.Length)..], escape);
        return new DockerfileInstruction(trimmed[..blank.Index], flags, rest.Trim(), whole, line);
    }

    public bool Is(string keyword) => Keyword.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    /// <summary>Parses FROM.</summary>
    /// <exception cref="DockerfileException">The instruction is not <c>FROM image [AS name]</c>.</exception>
    public DockerfileStage ToStage(int index)
    {
        string[] words = Rest.Length == 0 ? [] : Blank().Split(Rest);
        string? name = null;
        if (words.Length == 3 && words[1].Equals("as", StringComparison.OrdinalIgnoreCase))
        {
            name = words[2].ToLowerInvariant();
            if (!StageName().IsMatch(name))
            {
                throw new DockerfileException(Line, $"Invalid stage name '{words[2]}': it must start with a letter, followed by letters, digits, '-', '_' and '.'.");
            }
        }
        else if (words.Length != 1)
        {
            throw new DockerfileException(Line, "FROM requires an image, optionally followed by AS and a stage name.");
        }

        return new DockerfileStage(index, name, words[0], Flag("platform"), Line);
    }

    /// <summary>Parses ARG: one or more names, each with or without a default.</summary>
    public IEnumerable<DockerfileArgument> ToArguments(char escape)
    {
        foreach (string word in SplitWords(Rest, escape))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            yield return equals < 0
                ? new DockerfileArgument(word, null, Line)
                : new DockerfileArgument(word[..equals], word[(equals + 1)..], Line);
        }
    }

    /// <summary>The names in <c>COPY --from</c> and <c>RUN --mount=…,from=…</c>: images, stages or stage numbers.</summary>
    public IEnumerable<string> SourceNames(char escape)
    {
        if (Is("ONBUILD"))
        {
            return Split(Rest, Line, escape).SourceNames(escape);
        }

        if (Is("COPY"))
        {
            return Flag("from") is { } from ? [from] : [];
        }

        // The option names of a mount are case-insensitive (instructions/commands_runmount.go).
        return Is("RUN")
            ? Flags.Where(static f => f.StartsWith("--mount=", StringComparison.Ordinal))
                .SelectMany(static f => f["--mount=".Length..].Split(',', '"'))
                .Where(static p => p.StartsWith("from=", StringComparison.OrdinalIgnoreCase))
                .Select(static p => p["from=".Length..])
            : [];
    }

    /// <summary>The ids of the mounts of a type; an ssh mount without an id has <c>default</c>, a secret's the last part of its target.</summary>
    /// <remarks>moby/buildkit, frontend/dockerfile/instructions/commands_runmount.go and dockerfile2llb/convert_secrets.go.</remarks>
    public IEnumerable<string> MountIds(string type)
    {
        if (!Is("RUN"))
        {
            yield break;
        }

        foreach (string flag in Flags.Where(static f => f.StartsWith("--mount=", StringComparison.Ordinal)))
        {
            Dictionary<string, string> options = new(StringComparer.OrdinalIgnoreCase);
            foreach (string option in flag["--mount=".Length..].Split(','))
            {
                string[] pair = option.Trim('"').Split('=', 2);
                options[pair[0]] = pair.Length > 1 ? pair[1] : string.Empty;
            }

            if (options.GetValueOrDefault("type") == type)
            {
                string target = options.GetValueOrDefault("target") ?? options.GetValueOrDefault("dst") ?? options.GetValueOrDefault("destination") ?? string.Empty;
                string id = options.GetValueOrDefault("id") ?? (type == "ssh" ? "default" : target[(target.LastIndexOf('/') + 1)..]);
                if (id.Length > 0)
                {
                    yield return id;
                }
            }
        }
    }

    /// <summary>The here-documents that begin in this instruction; their texts follow it, in this order.</summary>
    public IReadOnlyList<DockerfileHereDocument> HereDocuments()
    {
        if (!Whole.Contains("<<", StringComparison.Ordinal))
        {
            return [];
        }

        DockerfileInstruction inner = Is("ONBUILD") ? Split(Rest, Line, '\\') : this;
        if (!TakesHereDocuments.Contains(inner.Keyword, StringComparer.OrdinalIgnoreCase) || IsJsonArray(inner.Rest))
        {
            return [];
        }

        DockerfileLexer lexer = new('\\') { KeepsQuotes = true, KeepsEscapes = true };
        if (!lexer.TrySplit(Whole, out List<string>? words))
        {
            // Unbalanced quotes: the engine also finds no here-document in such a line.
            return [];
        }

        List<DockerfileHereDocument> documents = [];
        foreach (string word in words)
        {
            Match mark = HereDocumentMark().Match(word);
            if (!mark.Success || mark.Groups[2].Length == 0)
            {
                continue;
            }

            if (new DockerfileLexer('\\').TrySplit(mark.Groups[2].Value, out List<string>? names) && names.Count == 1)
            {
                documents.Add(new DockerfileHereDocument(names[0], mark.Groups[1].Length > 0));
            }
        }

        return documents;
    }

    private string? Flag(string name)
    {
        string prefix = $"--{name}=";
        return Flags.FirstOrDefault(f => f.StartsWith(prefix, StringComparison.Ordinal))?[prefix.Length..];
    }

    private static bool IsJsonArray(string text)
    {
        if (!text.StartsWith('['))
        {
            return false;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>
    /// Splits off the leading words with <c>--</c>; quotes hold a word together and are dropped. The engine works on bytes here
    /// (frontend/dockerfile/parser/split_command.go): each byte is a character, and 0x85 and 0xA0 are blanks, even inside a letter.
    /// </summary>
    private static (List<string> Flags, string Remainder) SplitFlags(string text, char escape)
    {
        string bytes = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
        List<string> flags = [];
        int at = 0;
        while (true)
        {
            while (at < bytes.Length && char.IsWhiteSpace(bytes[at]))
            {
                at++;
            }

            if (string.CompareOrdinal(bytes, at, "--", 0, 2) != 0)
            {
                return (flags, Remainder(bytes, at));
            }

            StringBuilder word = new();
            char? quote = null;
            for (; at < bytes.Length && (quote is not null || !char.IsWhiteSpace(bytes[at])); at++)
            {
                char c = bytes[at];
                if (quote is null && c is '\'' or '"')
                {
                    quote = c;
                }
                else if (c == quote)
                {
                    quote = null;
                }
                else if (c != escape)
                {
                    word.Append(c);
                }
                else if (at + 1 < bytes.Length)
                {
                    word.Append(bytes[++at]);
                }
            }

            if (word.Length == 2)
            {
                // Two dashes alone end the flags.
                return (flags, Remainder(bytes, at));
            }

            flags.Add(word.ToString());
        }
    }

    private static string Remainder(string bytes, int at) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes[at..]));

    /// <summary>Splits at blanks outside quotes; keeps quotes and escapes for the later expansion.</summary>
    private static List<string> SplitWords(string text, char escape)
    {
        List<string> words = [];
        StringBuilder word = new();
        char? quote = null;
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (quote is null && char.IsWhiteSpace(c))
            {
                if (word.Length > 0)
                {
                    words.Add(word.ToString());
                    word.Clear();
                }

                continue;
            }

            word.Append(c);
            if (quote is null && c is '\'' or '"')
            {
                quote = c;
            }
            else if (c == quote)
            {
                quote = null;
            }
            else if (c == escape && quote != '\'' && at + 1 < text.Length)
            {
                word.Append(text[++at]);
            }
        }

        if (word.Length > 0)
        {
            words.Add(word.ToString());
        }

        return words;
    }

    [GeneratedRegex(@"[\t\v\f\r ]+")]
    private static partial Regex Blank();

    [GeneratedRegex(@"\A[a-z][a-z0-9\-_.]*\z")]
    private static partial Regex StageName();

    [GeneratedRegex(@"\A[0-9]*<<(-?)[\t\n\f\r ]*([^<]*)\z")]
    private static partial Regex HereDocumentMark();
}
