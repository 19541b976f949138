using System.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Makes lines of the pieces in which a step's output arrives. A piece may end inside a line or inside a UTF-8 sequence; bytes that
/// are no UTF-8 become U+FFFD. A carriage return before the line feed is dropped; one inside a line is kept, since it is the step's.
/// </summary>
/// <param name="budget">What all steps of a build share.</param>
internal sealed class LogLineAssembler(StatusBudget budget)
{

    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _rest = new();

    /// <summary>Takes a piece of output and returns the lines it completed.</summary>
    public List<string> Append(ReadOnlySpan<byte> piece)
    {
        List<string> lines = [];
        Span<char> chars = stackalloc char[512];
        while (true)
        {
            _decoder.Convert(piece, chars, flush: false, out int bytesUsed, out int charsUsed, out _);
            Cut(chars[..charsUsed], lines);
            piece = piece[bytesUsed..];
            if (piece.IsEmpty)
            {
                return lines;
            }
        }
    }

    /// <summary>Returns what is left without a line end: the step is over.</summary>
    public List<string> Flush()
    {
        List<string> lines = [];
        Span<char> chars = stackalloc char[8];
        _decoder.Convert([], chars, flush: true, out _, out int charsUsed, out _);
        Cut(chars[..charsUsed], lines);
        if (_rest.Length > 0)
        {
            lines.Add(TakeRest());
        }

        return lines;
    }

    private void Cut(ReadOnlySpan<char> chars, List<string> lines)
    {
        int end;
        while ((end = chars.IndexOf('\n')) >= 0)
        {
            _rest.Append(chars[..end]);
            budget.AddUnfinished(end);
            lines.Add(TakeRest());
            chars = chars[(end + 1)..];
        }

        _rest.Append(chars);

        // A step may write without ever ending a line, as programs with a progress of their own do.
        bool hasRoom = budget.AddUnfinished(chars.Length);
        if (_rest.Length > 0 && (!hasRoom || _rest.Length >= StatusBudget.LongestLine))
        {
            lines.Add(TakeRest());
        }
    }

    private string TakeRest()
    {
        budget.AddUnfinished(-_rest.Length);
        if (_rest.Length > 0 && _rest[^1] == '\r')
        {
            _rest.Length--;
        }

        string line = _rest.ToString();
        _rest.Clear();
        return line;
    }
}
