using OpenCloud.Build.Definitions.Hcl;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>The source of a secret: a file or an environment variable.</summary>
internal sealed record BakeSecret(string Id, string File, string Variable)
{
    public static BakeSecret Parse(string text)
    {
        string id = string.Empty, file = string.Empty, variable = string.Empty, type = string.Empty;
        foreach (string field in CsvText.Fields(text) ?? throw new FormatException("a quote in a secret is not closed."))
        {
            int equals = field.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? throw new FormatException("a field of a secret is not in the form 'key=value'.") : field[(equals + 1)..];
            switch (field[..equals].ToLowerInvariant())
            {
                case "id":
                    id = value;
                    break;
                case "src" or "source":
                    file = value;
                    break;
                case "env":
                    variable = value;
                    break;
                case "type" when value is "file" or "env":
                    type = value;
                    break;
                default:
                    throw new FormatException($"'{field[..equals]}' is not a field of a secret; use id, src, env or type=file|env.");
            }
        }

        return type == "env" && variable.Length == 0 ? new BakeSecret(id, string.Empty, file) : new BakeSecret(id, file, variable);
    }

    /// <summary>Keeps the last of each id, at the position of the first.</summary>
    public static List<BakeSecret> Distinct(IEnumerable<BakeSecret> secrets) => BakeEntry.LastOfEach(secrets, static s => s.Id);
}

/// <summary>An SSH agent, or keys by path.</summary>
internal sealed record BakeSsh(string Id, IReadOnlyList<string> Paths)
{
    public static BakeSsh Parse(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? new BakeSsh(text, []) : new BakeSsh(text[..equals], text[(equals + 1)..].Split(','));
    }

    /// <summary>Keeps the last of each id, at the position of the first.</summary>
    public static List<BakeSsh> Distinct(IEnumerable<BakeSsh> agents) => BakeEntry.LastOfEach(agents, static s => s.Id);

    public override string ToString() => Paths.Count == 0 ? Id : $"{Id}={string.Join(',', Paths)}";
}
