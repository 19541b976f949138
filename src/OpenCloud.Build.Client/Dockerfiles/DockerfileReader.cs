namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>Parts a Dockerfile into instructions: comments, continued lines, directives and here-documents are dealt with here.</summary>
internal sealed class DockerfileReader
{
    private readonly string[] _lines;
    private readonly HashSet<string> _directives = new(StringComparer.Ordinal);
    private bool _directivesEnded;
    private int _next;

    public DockerfileReader(string text)
    {
        // A line keeps its carriage return: here-documents have it in their content. The last line may be empty: it ends nothing.
        _lines = text.TrimStart('\uFEFF').Split('\n');
    }

    /// <summary>Known once <see cref="Read"/> has passed the directives.</summary>
    public char Escape { get; private set; } = '\\';

    /// <summary>
    /// The line of an instruction that may or may not begin here-documents, since one of them has no end; 0 when there is none. Engines differ
    /// in what they take for one (<c>$((1&lt;&lt;4))</c>), so what follows may be its text or may be instructions.
    /// </summary>
    public int DoubtfulLine { get; private set; }

    /// <summary>Reads the instructions.</summary>
    /// <exception cref="DockerfileException">The text has none of the form.</exception>
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
            // Comments and empty lines in between are passed over and do not end the instruction.
            if (!IsComment(line) && !string.IsNullOrWhiteSpace(line))
            {
                continues = TrimContinuation(ref line);
                rest.Append(line);
            }
        }

        return rest.ToString();
    }

    /// <summary>Takes an escape character off the end, when it is there and is not escaped itself.</summary>
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

        // Of the others, engines differ in which they know.
        if (!_directives.Add(directive.Name) && directive.Name == "escape")
        {
            throw new DockerfileException(_next, $"The directive '{directive.Name}' is given twice.");
        }

        if (directive.Name == "escape")
        {
            Escape = directive.Value is "\\" or "`"
                ? directive.Value[0]
                : throw new DockerfileException(_next, $"The escape character '{directive.Value}' is neither a backslash nor a backtick.");
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
