using OpenCloud.Build.Screen;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Displays;

/// <summary>The control sequences of the screen, and what a terminal makes of them.</summary>
public sealed class ScreenPainterTests
{
    [Fact]
    public void ItWritesWhatHasChanged()
    {
        ScreenPainter painter = new();
        Assert.Equal("\u001b[?25l         \r\u001b[Ka\u001b[K\r\nb\u001b[K\r\n\u001b[?25h", painter.Paint(["a", "b"], 10));
        Assert.Equal(string.Empty, painter.Paint(["a", "b"], 10));
        Assert.Equal("\u001b[?25l\u001b[2A\r\r\nc\u001b[K\r\nd\u001b[K\r\n\u001b[?25h", painter.Paint(["a", "c", "d"], 10));
        Assert.Equal("\u001b[?25l\u001b[3A\r\r\n\u001b[J\u001b[?25h", painter.Paint(["a"], 10));
        Assert.Equal("\u001b[?25l\u001b[1A\r\u001b[J\u001b[?25h", painter.Clear(10));
        Assert.Equal(string.Empty, painter.Clear(10));
    }

    [Fact]
    public void TheTerminalShowsTheBlockBelowWhatWasWritten()
    {
        Random random = new(17);
        for (int run = 0; run < 200; run++)
        {
            // Wrapped anew, the block must still fit: what has left the screen cannot be removed.
            Terminal terminal = new(random.Next(20, 60), 50);
            ScreenPainter painter = new();
            List<string> written = [];
            for (int turn = 0; turn < 30; turn++)
            {
                List<string> block = [.. Enumerable.Range(0, random.Next(0, 15)).Select(_ => Text(random, terminal.Width - 1))];
                switch (random.Next(6))
                {
                    case 0:
                        terminal.Write(painter.Clear(terminal.Width));
                        written.Add(Text(random, terminal.Width));
                        terminal.Write(written[^1] + "\r\n");
                        Assert.Equal(written, terminal.Lines);
                        break;
                    case 1:
                        // A prompt that has left a line without its end.
                        terminal.Write(painter.Clear(terminal.Width));
                        written.Add("partial");
                        terminal.Write("partial");
                        block = [.. block, "x"];
                        terminal.Write(painter.Paint(block, terminal.Width));
                        Assert.Equal([.. written, .. block], terminal.Lines);
                        break;
                    case 2:
                        terminal.Resize(random.Next(20, 60));
                        written = terminal.Rewrap(written);
                        block = [.. block.Where(b => b.Length < terminal.Width)];
                        terminal.Write(painter.Paint(block, terminal.Width));
                        Assert.Equal([.. written, .. block], terminal.Lines);
                        break;
                    default:
                        terminal.Write(painter.Paint(block, terminal.Width));
                        Assert.Equal([.. written, .. block], terminal.Lines);
                        break;
                }

                Assert.True(terminal.IsCursorShown);
            }

            terminal.Write(painter.Clear(terminal.Width));
            Assert.Equal(written, terminal.Lines);
        }
    }

    private static string Text(Random random, int longest) => new((char)random.Next('a', 'z'), random.Next(1, longest + 1));

    /// <summary>A terminal with a scrollback, which wraps its lines anew when its width changes.</summary>
    private sealed class Terminal(int width, int height)
    {
        private readonly List<string> _rows = [string.Empty];
        private int _row;
        private int _column;

        public int Width { get; private set; } = width;

        public bool IsCursorShown { get; private set; } = true;

        public List<string> Lines => [.. _rows.Select(static r => r.TrimEnd()).Take(_row)];

        public List<string> Rewrap(List<string> lines) => [.. lines.SelectMany(l => l.Chunk(Width).Select(static c => new string(c)))];

        public void Resize(int columns)
        {
            List<string> lines = Lines;
            Width = columns;
            _rows.Clear();
            _rows.AddRange(Rewrap(lines));
            _row = _rows.Count;
            _column = 0;
            _rows.Add(string.Empty);
        }

        public void Write(string text)
        {
            for (int i = 0; i < text.Length; i++)
            {
                switch (text[i])
                {
                    case '\r':
                        _column = 0;
                        break;
                    case '\n':
                        Down();
                        break;
                    case '\u001b':
                        int end = i + 2;
                        while (!char.IsAsciiLetter(text[end]))
                        {
                            end++;
                        }

                        Control(text[(i + 2)..end], text[end]);
                        i = end;
                        break;
                    default:
                        if (_column == Width)
                        {
                            _column = 0;
                            Down();
                        }

                        string row = _rows[_row].PadRight(_column);
                        _rows[_row] = row[.._column] + text[i] + (row.Length > _column + 1 ? row[(_column + 1)..] : string.Empty);
                        _column++;
                        break;
                }
            }
        }

        private void Down()
        {
            _row++;
            if (_row == _rows.Count)
            {
                _rows.Add(string.Empty);
            }
        }

        private void Control(string argument, char command)
        {
            switch (command)
            {
                case 'A':
                    // Not above the first row of the screen.
                    _row = Math.Max(_row - int.Parse(argument, System.Globalization.CultureInfo.InvariantCulture), Math.Max(0, _rows.Count - height));
                    break;
                case 'K':
                    _rows[_row] = _rows[_row][..Math.Min(_column, _rows[_row].Length)];
                    break;
                case 'J':
                    _rows[_row] = _rows[_row][..Math.Min(_column, _rows[_row].Length)];
                    _rows.RemoveRange(_row + 1, _rows.Count - _row - 1);
                    break;
                case 'l' or 'h':
                    IsCursorShown = command == 'h';
                    break;
                default:
                    Assert.Fail($"unknown sequence {argument}{command}");
                    break;
            }
        }
    }
}
