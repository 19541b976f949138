using System.Management.Automation;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Reads what a named engine consists of.</summary>
internal static class NamedEngineArguments
{
    private const int MostNodes = 256;

    /// <summary>The attributes of caches whose values are secrets (moby/buildkit, cache/remotecache: gha, s3 and azblob).</summary>
    private static readonly string[] SecretWords = ["token", "secret", "password", "access_key", "account_key"];

    /// <summary>Full addresses, each once.</summary>
    /// <exception cref="BuildErrorException">An address is invalid, a name, or there twice, or there is none or too many.</exception>
    public static IReadOnlyList<string> Addresses(IEnumerable<string> addresses)
    {
        List<string> full = [];
        foreach (string text in addresses.SelectMany(static a => a.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)))
        {
            string shown = EngineArguments.Shown(text);
            string address;
            try
            {
                EngineAddress parsed = EngineAddress.Parse(text);
                address = parsed.Name is null ? parsed.ToString() : throw ErrorCatalog.EngineNodeInvalid.ToException(shown, null, $"The node '{shown}' is the name of an engine.");
            }
            catch (FormatException exception)
            {
                throw ErrorCatalog.InvalidAddress.ToException(shown, exception, shown, exception.Message);
            }

            if (full.Contains(address, StringComparer.Ordinal))
            {
                throw ErrorCatalog.EngineNodeInvalid.ToException(shown, null, $"The node '{shown}' is given twice.");
            }

            full.Add(address);
        }

        return full.Count is > 0 and <= MostNodes ? full : throw ErrorCatalog.EngineNodeInvalid.ToException(full.Count, null, $"An engine requires 1 to {MostNodes} nodes, not {full.Count}.");
    }

    /// <summary>Caches in docker's form.</summary>
    /// <exception cref="BuildErrorException">A cache is invalid, or contains a secret.</exception>
    public static IReadOnlyList<string> Caches(PSCmdlet cmdlet, string parameter, object[] values)
    {
        ExchangeArguments exchange = new(path => DirectoryArguments.ResolveLiteral(cmdlet, path));
        return [.. exchange.Caches(parameter, [.. values.Where(static v => HostArguments.Unwrap(v) is not (null or ""))]).Select(cache => Text(parameter, cache))];
    }

    /// <summary>The values, of which a cell of a table holds several in one text.</summary>
    public static IReadOnlyList<string> Split(string[]? values) =>
        [.. (values ?? []).SelectMany(static v => v.Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    private static string Text(string parameter, BuildCache cache)
    {
        if (cache.Attributes.Keys.FirstOrDefault(static k => SecretWords.Any(w => k.Contains(w, StringComparison.OrdinalIgnoreCase))) is { } secret)
        {
            throw ErrorCatalog.EngineSecretRefused.ToException(parameter, null, $"The cache '{cache.Type}' of -{parameter} has the attribute '{secret}', whose value is a secret.");
        }

        // A password, a token or a signature (Azure's "sig") can be in an address, too.
        if (cache.Attributes.FirstOrDefault(static p => HasSecret(p.Value)).Key is { } address)
        {
            throw ErrorCatalog.EngineSecretRefused.ToException(parameter, null, $"The address in the attribute '{address}' of the cache '{cache.Type}' of -{parameter} has a user name, a password or a query, which may be secrets.");
        }

        return string.Join(',', cache.Attributes.Prepend(KeyValuePair.Create("type", cache.Type)).Select(static p => Quoted($"{p.Key}={p.Value}")));
    }

    private static bool HasSecret(string value) =>
        value.Contains("://", StringComparison.Ordinal) && (!Uri.TryCreate(value, UriKind.Absolute, out Uri? uri) || uri.UserInfo.Length > 0 || uri.Query.Length > 0);

    // The form is a line of CSV.
    private static string Quoted(string field) => field.AsSpan().IndexOfAny(',', '"') < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
