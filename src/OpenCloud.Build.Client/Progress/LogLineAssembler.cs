using System.Text;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Assembles lines from the pieces of a step's output. A piece may end inside a line or a UTF-8 sequence; invalid UTF-8 becomes U+FFFD. A
/// carriage return before the line feed is dropped; one inside a line is kept.
/// </summary>
internal sealed class LogLineAssembler(StatusBudget budget)
{

    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _rest = new();

    /// <summary>Adds a piece of output and returns the lines it completed.</summary>
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

    /// <summary>Returns the rest without a line end, when the step has ended.</summary>
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

        // A step may write without ever ending a line, such as a progress display.
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
