using System.Text;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>The patterns of <c>${name#pattern}</c>, <c>${name%pattern}</c> and <c>${name/pattern/text}</c>: '*' and '?' only.</summary>
internal static class DockerfilePattern
{
    /// <summary>Takes what matches off the beginning; null when the pattern is wrong.</summary>
    public static string? TrimStart(string value, string pattern, bool longest)
    {
        if (Compile(pattern, whole: true) is not { } regex)
        {
            return null;
        }

        for (int i = 0; i <= value.Length; i++)
        {
            int length = longest ? value.Length - i : i;
            if (regex.IsMatch(value[..length]))
            {
                return value[length..];
            }
        }

        return value;
    }

    /// <summary>Takes what matches off the end; null when the pattern is wrong.</summary>
    public static string? TrimEnd(string value, string pattern, bool longest)
    {
        if (Compile(pattern, whole: true) is not { } regex)
        {
            return null;
        }

        for (int i = 0; i <= value.Length; i++)
        {
            int start = longest ? i : value.Length - i;
            if (regex.IsMatch(value[start..]))
            {
                return value[..start];
            }
        }

        return value;
    }

    /// <summary>Replaces the first match, or all; null when the pattern is wrong.</summary>
    public static string? Replace(string value, string pattern, string replacement, bool all) =>
        Compile(pattern, whole: false) is { } regex ? regex.Replace(value, _ => replacement, all ? -1 : 1) : null;

    private static Regex? Compile(string pattern, bool whole)
    {
        StringBuilder regex = new(whole ? @"\A" : "");
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\')
            {
                // '}' and '/' are escaped for the braces' sake, the others for the pattern's.
                if (++i == pattern.Length || pattern[i] is not ('}' or '/' or '*' or '?' or '\\'))
                {
                    return null;
                }

                regex.Append(Regex.Escape(pattern[i].ToString()));
            }
            else
            {
                regex.Append(c switch
                {
                    '*' => ".*",
                    '?' => ".",
                    _ => Regex.Escape(c.ToString()),
                });
            }
        }

        // Without backtracking: the text is not ours.
        return new Regex(regex.Append(whole ? @"\z" : "").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }
}
