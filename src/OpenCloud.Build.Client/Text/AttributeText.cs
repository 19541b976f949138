using System.Text;

namespace OpenCloud.Build.Client.Text;

/// <summary>
/// Reads docker's form of options, <c>type=local,dest=out</c>: one line of CSV whose fields are <c>key=value</c>. A field with a comma
/// is in double quotes, and a double quote in it is doubled (docker/buildx, util/buildflags).
/// </summary>
internal static class AttributeText
{
    /// <summary>Reads the pairs; keys are in lower case.</summary>
    /// <exception cref="FormatException">The text is malformed. The message does not repeat values, which may be secrets.</exception>
    public static Dictionary<string, string> Parse(string text, string what)
    {
        Dictionary<string, string> pairs = new(StringComparer.Ordinal);
        foreach (string field in Split(text, what))
        {
            int equals = field.IndexOf('=');
            if (equals <= 0)
            {
                throw new FormatException($"The {what} has an item without a value; use key=value (for example type=local,dest=out).");
            }

            string key = field[..equals].Trim().ToLowerInvariant();
            if (!pairs.TryAdd(key, field[(equals + 1)..]))
            {
                throw new FormatException($"The {what} contains '{key}' twice.");
            }
        }

        return pairs;
    }

    private static List<string> Split(string text, string what)
    {
        List<string> fields = [];
        StringBuilder field = new();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"')
            {
                field.Append('"');
                i++;
            }
            else if (c == '"' && (quoted || field.Length == 0))
            {
                quoted = !quoted;
            }
            else if (c == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
            {
                field.Append(c);
            }
        }

        fields.Add(field.ToString());
        return quoted ? throw new FormatException($"The {what} has an opening quote without a closing one.") : fields;
    }
}
