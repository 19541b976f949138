namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>Finds the path of a missing file in an engine's message, in time linear in the text: a message may have a megabyte.</summary>
internal static class MissingFile
{
    private const string Failed = "failed to ";
    private const string Key = "failed to compute cache key";
    private const string Checksum = "failed to calculate checksum";
    private const string Walk = ": failed to walk ";
    private const string Solve = "failed to solve: ";
    private const string Look = "lstat ";
    private const string None = ": no such file or directory";
    private const string Mount = "buildkit-mount";

    /// <summary>The file's path; null when the text is about something else.</summary>
    public static string? In(string text) => Quoted(text) ?? Walked(text) ?? Unseen(text);

    public static bool IsQuotedIn(string text) => Quoted(text) is not null;

    // "failed to compute cache key: failed to calculate checksum of ref x::y: "/missing": not found", in older words
    // "failed to compute cache key: "/missing" not found: not found".
    private static string? Quoted(string text)
    {
        int at = 0;
        while (Phrase(text, at) is var (begin, end) && begin >= 0)
        {
            int open = text.IndexOf('"', end);
            int close = open < 0 ? -1 : text.IndexOf('"', open + 1);
            if (close < 0)
            {
                return null;
            }

            ReadOnlySpan<char> behind = text.AsSpan(close + 1);
            if (close > open + 1 && (behind.StartsWith(": not found", StringComparison.Ordinal) || behind.StartsWith(" not found", StringComparison.Ordinal)))
            {
                return text[(open + 1)..close];
            }

            // A match that begins before this quote ends at this quote.
            at = open + 1;
        }

        return null;
    }

    // "failed to calculate checksum of ref x::y: failed to walk /…/buildkit-mount123/conf: lstat …: no such file or directory"
    private static string? Walked(string text)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            int begin = line.IndexOf(Checksum, StringComparison.Ordinal);
            int walk = begin < 0 ? -1 : line[begin..].LastIndexOf(Walk, StringComparison.Ordinal);
            if (walk < 0)
            {
                continue;
            }

            ReadOnlySpan<char> path = line[(begin + walk + Walk.Length)..];
            int mount = path.IndexOf(Mount, StringComparison.Ordinal);
            if (mount < 0 || path[..mount].ContainsAny(" \t"))
            {
                continue;
            }

            ReadOnlySpan<char> inside = path[(mount + Mount.Length)..].TrimStart("0123456789");
            int colon = inside.IndexOf(": ", StringComparison.Ordinal);
            if (inside.StartsWith('/') && colon > 1 && inside[colon..].Contains("no such file", StringComparison.Ordinal))
            {
                return inside[..colon].ToString();
            }
        }

        return null;
    }

    // "failed to solve: lstat /conf: no such file or directory": the source has wildcards, and its directory was not sent.
    private static string? Unseen(string text)
    {
        ReadOnlySpan<char> rest = text;
        rest = rest.StartsWith(Solve, StringComparison.Ordinal) ? rest[Solve.Length..] : rest;
        if (!rest.StartsWith(Look, StringComparison.Ordinal) || !rest.EndsWith(None, StringComparison.Ordinal) || rest.Length <= Look.Length + None.Length)
        {
            return null;
        }

        ReadOnlySpan<char> path = rest[Look.Length..^None.Length];
        return path.Length > 1 && path[0] == '/' && !path.Contains(':') ? path.ToString() : null;
    }

    private static (int Begin, int End) Phrase(string text, int from)
    {
        for (int at = from; (at = text.IndexOf(Failed, at, StringComparison.Ordinal)) >= 0; at += Failed.Length)
        {
            ReadOnlySpan<char> rest = text.AsSpan(at);
            int length = rest.StartsWith(Key, StringComparison.Ordinal) ? Key.Length : rest.StartsWith(Checksum, StringComparison.Ordinal) ? Checksum.Length : 0;
            if (length > 0)
            {
                return (at, at + length);
            }
        }

        return (-1, -1);
    }
}
