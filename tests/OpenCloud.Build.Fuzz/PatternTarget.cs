using System.Text;
using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;

namespace OpenCloud.Build.Fuzz;

/// <summary>
/// Patterns of ignore files: what a pattern takes its exception gives back, and those of plain characters are held against a reference, which is
/// the translation to a regular expression as moby/patternmatcher documents it. An input is a pattern, a zero and a path.
/// </summary>
internal static class PatternTarget
{
    public static void Run(byte[] input)
    {
        int end = Array.IndexOf(input, (byte)0);
        (byte[] pattern, byte[] path) = end < 0 ? (input, "a/b/c.d"u8.ToArray()) : (input[..end], input[(end + 1)..]);
        Targets.Refusing<ContextException>(() =>
        {
            byte[] exception = [(byte)'!', .. pattern];
            PatternMatcher matcher = PatternMatcher.Compile([pattern]);
            PatternMatcher both = PatternMatcher.Compile([pattern, exception]);
            if (path.Length == 0)
            {
                return;
            }

            bool matches = matcher.Matches(path, [], [], out _);
            bool isPlain = pattern.Length > 0 && pattern[0] != '!' && BytePath.Trim(pattern).SequenceEqual(pattern)
                && BytePath.Clean(pattern).AsSpan().SequenceEqual(pattern) && BytePath.Clean(exception).AsSpan().SequenceEqual(exception);
            if (isPlain && both.Matches(path, [], [], out _))
            {
                throw new InvalidOperationException("a pattern and its exception left a match");
            }

            if (isPlain && pattern.Length <= 64 && path.Length <= 64 && pattern[0] != '/' && IsReferred(pattern) && IsReferred(path) && matches != Refer(Encoding.ASCII.GetString(pattern), Encoding.ASCII.GetString(path)))
            {
                throw new InvalidOperationException($"a match is {matches}, and not by the reference");
            }
        });
    }

    private static bool IsReferred(byte[] text) => Array.TrueForAll(text, static c => char.IsAsciiLetterOrDigit((char)c) || c is (byte)'*' or (byte)'?' or (byte)'/' or (byte)'.' or (byte)'-' or (byte)'_');

    // patternmatcher.go, Pattern.match: what begins with ** and has nothing special behind it is a suffix, of whole names or not.
    private static bool Refer(string pattern, string path)
    {
        if (!pattern.StartsWith("**", StringComparison.Ordinal) || pattern.AsSpan(2).ContainsAny("*?"))
        {
            return Reference(pattern).IsMatch(path);
        }

        string suffix = pattern[2..];
        return path.EndsWith(suffix, StringComparison.Ordinal) || (suffix[0] == '/' && path == suffix[1..]);
    }

    // patternmatcher.go, Pattern.compile.
    private static Regex Reference(string pattern)
    {
        StringBuilder expression = new("^");
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '*' && i + 1 < pattern.Length && pattern[i + 1] == '*')
            {
                i++;
                if (i + 1 < pattern.Length && pattern[i + 1] == '/')
                {
                    i++;
                }

                expression.Append(i + 1 == pattern.Length ? ".*" : "(.*/)?");
            }
            else
            {
                expression.Append(c switch { '*' => "[^/]*", '?' => "[^/]", _ => Regex.Escape(c.ToString()) });
            }
        }

        return new Regex(expression.Append(@"\z").ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }
}
