namespace OpenCloud.Build.Definitions.Hcl;

internal sealed class HclSource
{
    private readonly List<int> _lines = [0];

    public HclSource(string file, string text)
    {
        File = file;
        Text = text;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n')
            {
                _lines.Add(i + 1);
            }
        }
    }

    public string File { get; }

    public string Text { get; }

    public HclPosition At(int offset)
    {
        int line = _lines.BinarySearch(offset);
        line = line < 0 ? ~line - 1 : line;
        return new HclPosition(File, line + 1, offset - _lines[line] + 1);
    }
}
