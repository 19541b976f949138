using System.Text;

namespace OpenCloud.Build.Host.Files;

internal static class TextDiff
{
    private const int MaxCells = 1_000_000;

    /// <summary>All lines, prefixed by <c>-</c> for present ones, <c>+</c> for wanted ones and a space for common ones.</summary>
    public static string Unified(string isThere, string wanted)
    {
        string[] a = Lines(isThere);
        string[] b = Lines(wanted);
        if ((long)a.Length * b.Length > MaxCells)
        {
            return $"-({a.Length:N0} lines are present, too many to compare)\n{string.Concat(b.Select(line => $"+{line}\n"))}";
        }

        // Longest common subsequence by table: unit files have tens of lines. A file of another author may have a million.
        int[,] common = new int[a.Length + 1, b.Length + 1];
        for (int i = a.Length - 1; i >= 0; i--)
        {
            for (int j = b.Length - 1; j >= 0; j--)
            {
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        StringBuilder text = new();
        int x = 0, y = 0;
        while (x < a.Length || y < b.Length)
        {
            if (x < a.Length && y < b.Length && a[x] == b[y])
            {
                text.Append(' ').Append(a[x++]).Append('\n');
                y++;
            }
            else if (x < a.Length && (y == b.Length || common[x + 1, y] >= common[x, y + 1]))
            {
                text.Append('-').Append(a[x++]).Append('\n');
            }
            else
            {
                text.Append('+').Append(b[y++]).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string[] Lines(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
}
