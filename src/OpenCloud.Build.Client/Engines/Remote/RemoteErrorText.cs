using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>What a program wrote, filtered and shortened for a message.</summary>
internal static partial class RemoteErrorText
{
    private const int MostLines = 3;
    private const int LongestText = 400;

    /// <summary>The last lines as one text; empty when there are none.</summary>
    public static string LastWords(string errors)
    {
        string[] lines = [.. TerminalText.Plain(errors).Split('\n').Select(static line => line.Trim()).Where(static line => line.Any(char.IsLetterOrDigit))];
        string text = Password().Replace(string.Join(" ", lines.TakeLast(MostLines)).Replace('\t', ' '), "");
        return text.Length > LongestText ? string.Concat(TerminalText.Start(text, LongestText), "…") : text;
    }

    // A user and password in a URL, for example of a proxy.
    [GeneratedRegex(@"(?<=://)[^/\s@""']*:[^/\s""']*@", RegexOptions.CultureInvariant)]
    private static partial Regex Password();
}
