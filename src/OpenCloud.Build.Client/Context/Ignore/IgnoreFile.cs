using System.Text;

namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>One rule of an ignore file.</summary>
/// <param name="Line">The line, counted from 1.</param>
/// <param name="Text">The line as written, without surrounding white space.</param>
/// <param name="Pattern">The pattern as sent, with the <c>!</c> of an exception.</param>
/// <param name="IsException">Whether the rule includes files again.</param>
internal sealed record IgnoreRule(int Line, string Text, string Pattern, bool IsException);

/// <summary>The effect of an ignore file on a path.</summary>
/// <param name="Path">The path, clean and relative to the context.</param>
/// <param name="IsExcluded">Whether the path is left out of the context.</param>
/// <param name="Rule">The rule that decides; null when none matches.</param>
internal sealed record IgnoreExplanation(string Path, bool IsExcluded, IgnoreRule? Rule);

/// <summary>A <c>.dockerignore</c> file.</summary>
/// <remarks>
/// The daemon reads the file from the context itself and sends the patterns back with its request, so a build does not need this
/// class. It tells users which rule hides a file. The syntax is that of moby/patternmatcher's ignorefile package, the
/// meaning that of <see cref="ContextFilter"/>.
/// </remarks>
internal sealed class IgnoreFile
{
    // The longest line that the daemon's reader accepts (Go's bufio.MaxScanTokenSize).
    private const int MaxLine = 64 * 1024;

    private readonly List<IgnoreRule> _rules = [];
    private readonly List<byte[]> _patterns = [];

    private IgnoreFile()
    {
    }

    /// <summary>The rules in the order of the file, without comments and blank lines.</summary>
    public IReadOnlyList<IgnoreRule> Rules => _rules;

    /// <summary>Reads a file's text.</summary>
    /// <exception cref="ContextException">A rule is malformed; the message names its line.</exception>
    public static IgnoreFile Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Parse(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Reads a file's bytes.</summary>
    /// <exception cref="ContextException">A rule is malformed; the message names its line.</exception>
    public static IgnoreFile Parse(ReadOnlySpan<byte> content)
    {
        IgnoreFile file = new();
        int number = 0;
        while (!content.IsEmpty)
        {
            int end = content.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? content : content[..end];
            content = end < 0 ? [] : content[(end + 1)..];
            number++;
            if (line.Length >= MaxLine)
            {
                throw Malformed(number, $"it is longer than {MaxLine} bytes");
            }

            if (number == 1 && line.StartsWith("\uFEFF"u8))
            {
                line = line[3..];
            }

            if (!line.StartsWith("#"u8))
            {
                file.Add(number, BytePath.Trim(line));
            }
        }

        return file;
    }

    /// <summary>Reports whether a path is left out of the context, and why.</summary>
    /// <param name="path">A path in the context, slash-separated; a leading slash or <c>./</c> means the same as none.</param>
    public IgnoreExplanation Explain(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte[] clean = BytePath.Join("/"u8, Encoding.UTF8.GetBytes(path))[1..];
        string display = Encoding.UTF8.GetString(clean);
        ContextFilter filter = new(null, PatternMatcher.Compile(_patterns));
        int depth = 0;
        for (int i = 0; i <= clean.Length && clean.Length > 0; i++)
        {
            bool isLast = i == clean.Length;
            if (!isLast && clean[i] != BytePath.Separator)
            {
                continue;
            }

            // A pruned directory hides what is beneath it, whatever later rules say.
            FilterVerdict verdict = filter.Judge(clean.AsSpan(0, i), depth++, isDirectory: true);
            if (isLast || verdict == FilterVerdict.Prune)
            {
                IgnoreRule? rule = filter.DecisiveExclude < 0 ? null : _rules[filter.DecisiveExclude];
                return new IgnoreExplanation(display, verdict != FilterVerdict.Send, rule);
            }
        }

        return new IgnoreExplanation(".", false, null);
    }

    private static ContextException Malformed(int line, string reason) =>
        new(ContextErrorKind.BadPattern, $"Line {line} of the ignore file is invalid: {reason}.") { Line = line };

    private void Add(int number, ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            return;
        }

        bool isException = line[0] == (byte)'!';
        ReadOnlySpan<byte> body = isException ? BytePath.Trim(line[1..]) : line;
        byte[] clean = body.IsEmpty ? [] : BytePath.Clean(body);
        if (clean.Length > 1 && clean[0] == BytePath.Separator)
        {
            clean = clean[1..];
        }

        byte[] pattern = isException ? [(byte)'!', .. clean] : clean;
        try
        {
            if (PatternMatcher.TryCompile(pattern, out Pattern? compiled))
            {
                _rules.Add(new IgnoreRule(
                    number, Encoding.UTF8.GetString(line), Encoding.UTF8.GetString(pattern), compiled.IsException));
                _patterns.Add(pattern);
            }
        }
        catch (ContextException e)
        {
            throw Malformed(number, e.Message.TrimEnd('.'));
        }
    }
}
