namespace OpenCloud.Build.Client.Text;

/// <summary>One record of comma-separated values (RFC 4180), the form of frontend options with several values.</summary>
internal static class CommaSeparated
{
    /// <summary>Joins fields; those with a comma, a quote or a line break are quoted.</summary>
    public static string Join(IEnumerable<string> fields) => string.Join(',', fields.Select(Quote));

    private static string Quote(string field)
        => field.AsSpan().IndexOfAny(",\"\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
