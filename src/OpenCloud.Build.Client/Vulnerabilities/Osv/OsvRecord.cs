using System.Text.Json;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>What a record says about a vulnerability, whatever the package: it is read once for all packages that it is about.</summary>
/// <param name="Id">The id.</param>
/// <param name="Aliases">The other ids.</param>
/// <param name="Summary">One line.</param>
/// <param name="Url">A page; null when there is none.</param>
/// <param name="Published">When it was published; null when unknown.</param>
internal sealed record OsvRecord(string Id, IReadOnlyList<string> Aliases, string Summary, string? Url, DateTimeOffset? Published)
{
    /// <summary>No database has longer ids.</summary>
    public const int LongestId = 256;

    private const int LongestUrl = 2048;
    private const int MostAliases = 100;

    /// <summary>The number of characters, all together.</summary>
    public int Characters => Id.Length + Summary.Length + (Url?.Length ?? 0) + Aliases.Sum(static a => a.Length);

    public static OsvRecord Of(JsonElement record, string id)
    {
        IEnumerable<string> others = LenientJson.Texts(record, "aliases").Concat(LenientJson.Texts(record, "upstream"));

        // What a terminal does not get is replaced once, and not for each result.
        return new OsvRecord(
            TerminalText.Name(id),
            TerminalText.Names([.. others.Where(static a => a.Length is > 0 and <= LongestId).Distinct(StringComparer.Ordinal).Take(MostAliases)]),
            TerminalText.Line(LenientJson.Line(LenientJson.TextOrNull(record, "summary") ?? LenientJson.Text(record, "details"))),
            TerminalText.Name(UrlOf(record)),
            LenientJson.Time(record, "published"));
    }

    private static string? UrlOf(JsonElement record)
    {
        string? first = null;
        foreach (JsonElement reference in LenientJson.Items(record, "references"))
        {
            string url = LenientJson.Text(reference, "url");
            if (url.Length > LongestUrl || !Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("https" or "http"))
            {
                continue;
            }

            if (LenientJson.Text(reference, "type") == "ADVISORY")
            {
                return url;
            }

            first ??= url;
        }

        return first;
    }
}
