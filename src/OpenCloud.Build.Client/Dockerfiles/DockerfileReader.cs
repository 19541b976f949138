namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>Splits a Dockerfile into instructions: handles comments, continued lines, directives and here-documents.</summary>
internal sealed class DockerfileReader
{
    private readonly string[] _lines;
    private readonly HashSet<string> _directives = new(StringComparer.Ordinal);
    private bool _directivesEnded;
    private int _next;

    public DockerfileReader(string text)
    {
        // A line keeps its carriage return, which is content in here-documents. The last line may be empty: no line end follows it.
        _lines = text.TrimStart('\uFEFF').Split('\n');
    }

    /// <summary>Valid once <see cref="Read"/> has passed the directives.</summary>
    public char Escape { get; private set; } = '\\';

    /// <summary>
    /// The line of an instruction that may begin a here-document without an end; 0 when there is none. Engines differ in what they accept as
    /// one (<c>$((1&lt;&lt;4))</c>), so the following lines may be its text or instructions.
    /// </summary>
    public int DoubtfulLine { get; private set; }

    /// <exception cref="DockerfileException">The text is no Dockerfile.</exception>
    public IEnumerable<DockerfileInstruction> Read()
    {
        while (_next < _lines.Length)
        {
            string first = _lines[_next++].TrimEnd('\r').TrimStart();
            ReadDirective(first);
            if (IsComment(first))
            {
                continue;
            }

            int line = _next;
            bool continues = TrimContinuation(ref first);
            if (!continues && first.Length == 0)
            {
                continue;
            }

            string whole = continues ? first + ReadContinuation() : first;
            DockerfileInstruction instruction = DockerfileInstruction.Split(whole, line, Escape);
            int afterInstruction = _next;
            if (!instruction.HereDocuments().All(TrySkipHereDocument))
            {
                DoubtfulLine = DoubtfulLine == 0 ? line : DoubtfulLine;
                _next = afterInstruction;
            }

            yield return instruction;
        }
    }

    private static bool IsComment(string line) => line.AsSpan().TrimStart().StartsWith("#");

    private string ReadContinuation()
    {
        System.Text.StringBuilder rest = new();
        bool continues = true;
        while (continues && _next < _lines.Length)
        {
            string line = _lines[_next++].TrimEnd('\r');
            ReadDirective(line);
            // Comments and empty lines in between are skipped and do not end the instruction.
            if (!IsComment(line) && !string.IsNullOrWhiteSpace(line))
            {
                continues = TrimContinuation(ref line);
                rest.Append(line);
            }
        }

        return rest.ToString();
    }

    /// <summary>Removes an unescaped escape character at the end of the line.</summary>
    private bool TrimContinuation(ref string line)
    {
        ReadOnlySpan<char> end = line.AsSpan().TrimEnd(" \t");
        if (end.Length == 0 || end[^1] != Escape || (end.Length > 1 && end[^2] == Escape))
        {
            return false;
        }

        line = end[..^1].ToString();
        return true;
    }

    private void ReadDirective(string line)
    {
        if (_directivesEnded)
        {
            return;
        }

        if (DockerfileSyntaxDirective.TryRead(line, "#") is not { } directive)
        {
            _directivesEnded = true;
            return;
        }

        // Engines differ in which of the other directives they know.
        if (!_directives.Add(directive.Name) && directive.Name == "escape")
        {
            throw new DockerfileException(_next, $"The directive '{directive.Name}' is used twice.");
        }

        if (directive.Name == "escape")
        {
            Escape = directive.Value is "\\" or "`"
                ? directive.Value[0]
                : throw new DockerfileException(_next, $"Invalid escape character '{directive.Value}': it must be a backslash or a backtick.");
        }
    }

    private bool TrySkipHereDocument(DockerfileHereDocument document)
    {
        while (_next < _lines.Length)
        {
            string candidate = _lines[_next++].TrimEnd('\r');
            if ((document.StripsTabs ? candidate.TrimStart('\t') : candidate) == document.Name)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>The beginning of a here-document: <c>&lt;&lt;NAME</c> or <c>&lt;&lt;-NAME</c>.</summary>
internal sealed record DockerfileHereDocument(string Name, bool StripsTabs);
