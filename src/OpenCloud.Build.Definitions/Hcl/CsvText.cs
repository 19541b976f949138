using System.Text;

namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>Comma-separated values. Fields may be quoted; a quote in them is doubled.</summary>
internal static class CsvText
{
    /// <summary>The fields of one line; null when a quote is wrong or there are more lines.</summary>
    public static IReadOnlyList<string>? Fields(string text, char comma = ',')
    {
        List<IReadOnlyList<string>>? rows = Rows(text, comma);
        return rows is null ? null : rows.Count == 0 ? [] : rows.Count == 1 ? rows[0] : null;
    }

    /// <summary>The fields of all lines that are not empty; null when a quote is wrong.</summary>
    public static List<IReadOnlyList<string>>? Rows(string text, char comma = ',')
    {
        List<IReadOnlyList<string>> rows = [];
        List<string> row = [];
        StringBuilder field = new();
        bool wasQuoted = false;
        int i = 0;
        while (i <= text.Length)
        {
            char c = i < text.Length ? text[i] : '\n';
            if (c == '"' && field.Length == 0 && !wasQuoted)
            {
                i = Quoted(text, i + 1, field);
                wasQuoted = true;
                if (i < 0)
                {
                    return null;
                }

                continue;
            }

            if (c == comma || c == '\n')
            {
                row.Add(c == '\n' && field.Length > 0 && field[^1] == '\r' && !wasQuoted ? field.ToString(0, field.Length - 1) : field.ToString());
                field.Clear();
                bool isEmpty = row.Count == 1 && row[0].Length == 0 && !wasQuoted;
                wasQuoted = false;
                if (c == '\n')
                {
                    if (!isEmpty)
                    {
                        rows.Add(row);
                    }

                    row = [];
                }
            }
            else if (wasQuoted ? c != '\r' : c == '"')
            {
                return null;
            }
            else if (!wasQuoted)
            {
                field.Append(c);
            }

            i++;
        }

        return rows;
    }

    // The offset after the closing quote; -1 when there is none.
    private static int Quoted(string text, int start, StringBuilder field)
    {
        for (int i = start; i < text.Length; i++)
        {
            if (text[i] != '"')
            {
                field.Append(text[i]);
            }
            else if (i + 1 < text.Length && text[i + 1] == '"')
            {
                field.Append('"');
                i++;
            }
            else
            {
                return i + 1;
            }
        }

        return -1;
    }
}
