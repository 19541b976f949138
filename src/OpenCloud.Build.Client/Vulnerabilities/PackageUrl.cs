using System.Diagnostics.CodeAnalysis;

namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>A package URL: <c>pkg:type/namespace/name@version?qualifiers#subpath</c>, decoded.</summary>
/// <remarks>github.com/package-url/purl-spec, "How to parse a purl string": from the right to the left.</remarks>
internal sealed record PackageUrl(string Type, string Namespace, string Name, string Version, IReadOnlyDictionary<string, string> Qualifiers, string Subpath)
{
    private const int MostCharacters = 4096;

    /// <summary>Namespace and name, as several ecosystems write it.</summary>
    public string FullName => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";

    public static bool TryParse(string text, [NotNullWhen(true)] out PackageUrl? purl)
    {
        purl = null;
        if (text.Length > MostCharacters || !text.StartsWith("pkg:", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        string rest = Before(text[4..].TrimStart('/'), '#', out string subpath);
        rest = Before(rest, '?', out string query);
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0)
        {
            return false;
        }

        string type = rest[..slash].ToLowerInvariant();
        string path = rest[(slash + 1)..];

        // The "@" of a scope of npm may be written as it is.
        int at = path.LastIndexOf('@');
        bool hasVersion = at > 0 && at > path.LastIndexOf('/');
        string version = hasVersion ? Decode(path[(at + 1)..]) : string.Empty;
        string[] segments = Segments(hasVersion ? path[..at] : path);
        if (segments.Length == 0)
        {
            return false;
        }

        Dictionary<string, string> qualifiers = new(StringComparer.Ordinal);
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                qualifiers[pair[..equals].ToLowerInvariant()] = Decode(pair[(equals + 1)..]);
            }
        }

        string within = string.Join('/', Segments(subpath).Where(static s => s is not ("." or "..")));
        purl = new PackageUrl(type, string.Join('/', segments[..^1]), segments[^1], version, qualifiers, within);
        return true;
    }

    private static string Before(string text, char mark, out string after)
    {
        int at = text.LastIndexOf(mark);
        after = at < 0 ? string.Empty : text[(at + 1)..];
        return at < 0 ? text : text[..at];
    }

    private static string[] Segments(string path) => [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Decode)];

    private static string Decode(string text) => Uri.UnescapeDataString(text);
}
