using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Screen;

/// <summary>
/// Keeps a block of lines at the end of a terminal's output: returns the control sequences that change one state of the block into the next. Between
/// two calls the cursor is visible, in the first column below the block.
/// </summary>
/// <remarks>ECMA-48: CUU (cursor up), EL and ED (erase); DECTCEM hides and shows the cursor.</remarks>
internal sealed class ScreenPainter
{
    private const string Hide = "\u001b[?25l";
    private const string Show = "\u001b[?25h";

    private IReadOnlyList<string> _shown = [];
    private int _width;
    private bool _hasBegun;

    /// <summary>The sequences that replace the shown lines; empty when nothing changes.</summary>
    public string Paint(IReadOnlyList<string> lines, int width)
    {
        bool isReflowed = _shown.Count > 0 && width != _width;
        if (!isReflowed && lines.SequenceEqual(_shown))
        {
            return string.Empty;
        }

        StringBuilder text = new(Hide);
        if (!_hasBegun)
        {
            // Keeps text that a prompt or a script left without a line end: blanks up to the last column wrap to the next line.
            text.Append(' ', Math.Max(width - 1, 0)).Append("\r\u001b[K");
            _hasBegun = true;
        }

        Up(text, isReflowed ? Rows(width) : _shown.Count);
        if (isReflowed)
        {
            text.Append("\u001b[J");
        }

        for (int i = 0; i < lines.Count; i++)
        {
            bool isSame = !isReflowed && i < _shown.Count && _shown[i] == lines[i];
            text.Append(isSame ? "\r\n" : $"{lines[i]}\u001b[K\r\n");
        }

        if (!isReflowed && lines.Count < _shown.Count)
        {
            text.Append("\u001b[J");
        }

        _shown = lines;
        _width = width;
        return text.Append(Show).ToString();
    }

    public string Clear(int width)
    {
        _hasBegun = false;
        if (_shown.Count == 0)
        {
            return string.Empty;
        }

        StringBuilder text = new(Hide);
        Up(text, width != _width ? Rows(width) : _shown.Count);
        _shown = [];
        return text.Append("\u001b[J").Append(Show).ToString();
    }

    private static void Up(StringBuilder text, int rows)
    {
        if (rows > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"\u001b[{rows}A\r");
        }
    }

    /// <summary>The rows of the block after a change of the width has wrapped its lines again.</summary>
    private int Rows(int width) => _shown.Sum(line => Math.Max(1, (Columns(line) + Math.Max(width, 1) - 1) / Math.Max(width, 1)));

    private static int Columns(string line)
    {
        StringBuilder plain = new(line.Length);
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\u001b')
            {
                i = line.IndexOf('m', i);
                continue;
            }

            plain.Append(line[i]);
        }

        return TextWidth.Of(plain.ToString());
    }
}
