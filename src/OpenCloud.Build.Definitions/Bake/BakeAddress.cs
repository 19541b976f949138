using System.Text.RegularExpressions;

namespace OpenCloud.Build.Definitions.Bake;

/// <summary>Tells which contexts are addresses that the engine fetches; all others are paths.</summary>
/// <remarks>The rule is that of the client's <c>ContextLocation</c>, which decides when the build runs; the same table tests both.</remarks>
internal static partial class BakeAddress
{
    public static bool Is(string text, string directory) => SchemeAddress().IsMatch(text)
        || (SchemelessAddress().IsMatch(text) && !Path.Exists(text) && !Path.Exists(BakePaths.Full(text, directory)));

    [GeneratedRegex(@"\A(?:(?i:https?|git|ssh)://|git@[a-zA-Z0-9.-]+:)", RegexOptions.CultureInvariant)]
    private static partial Regex SchemeAddress();

    // Without a scheme the text may also be a path; an existing path has priority.
    [GeneratedRegex(@"\A(?:[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:|github\.com/)", RegexOptions.CultureInvariant)]
    private static partial Regex SchemelessAddress();
}
