using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>Regular expressions, matched in time linear in the text.</summary>
internal static class PatternFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["regex"] = static c =>
        {
            Regex pattern = Pattern(c.Takes(2), 0);
            Match match = pattern.Match(c.Text(1));
            return match.Success ? Found(c, pattern, match) : throw c.Refuse("the pattern does not match the text.");
        };
        all["regexall"] = static c =>
        {
            Regex pattern = Pattern(c.Takes(2), 0);
            return c.Made(pattern.Matches(c.Text(1)).Select(m => Found(c, pattern, m)));
        };
        all["regex_replace"] = static c =>
        {
            Regex pattern = Pattern(c.Takes(3), 1);
            string template = c.Text(2);
            return c.Made(pattern.Replace(c.Text(0), m => Expand(c, m, template)));
        };
    }

    private static Regex Pattern(HclCall call, int index)
    {
        // The spelling of a named group in RE2, which .NET does not accept.
        string text = call.Text(index).Replace("(?P<", "(?<", StringComparison.Ordinal);
        try
        {
            return new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw call.Refuse("the regular expression is invalid or not supported: " + exception.Message);
        }
    }

    // A string without groups, a tuple with unnamed groups, an object with named groups.
    private static HclValue Found(HclCall call, Regex pattern, Match match)
    {
        int[] numbers = pattern.GetGroupNumbers();
        string[] names = [.. pattern.GetGroupNames().Where(static n => !char.IsAsciiDigit(n[0]))];
        if (numbers.Length == 1)
        {
            return call.Made(match.Value);
        }

        if (names.Length > 0 && names.Length != numbers.Length - 1)
        {
            throw call.Refuse("the pattern has both named and unnamed groups.");
        }

        return names.Length > 0
            ? HclValue.Object(names.Select(n => KeyValuePair.Create(n, Group(call, match.Groups[n]))))
            : HclValue.Tuple(numbers.Skip(1).Select(n => Group(call, match.Groups[n])));
    }

    private static HclValue Group(HclCall call, Group group) => group.Success ? call.Made(group.Value) : HclValue.Null;

    // As Go's Regexp.Expand: $name is as long as possible, ${name} marks its end, $$ is a dollar sign.
    private static string Expand(HclCall call, Match match, string template)
    {
        call.Scope.Budget.Text(call.Position, template.Length);
        StringBuilder text = new();
        for (int i = 0; i < template.Length; i++)
        {
            if (template[i] != '$' || i + 1 == template.Length)
            {
                text.Append(template[i]);
                continue;
            }

            if (template[i + 1] == '$')
            {
                text.Append('$');
                i++;
                continue;
            }

            bool isBraced = template[i + 1] == '{';
            int start = i + (isBraced ? 2 : 1);
            int end = start;
            while (end < template.Length && (char.IsAsciiLetterOrDigit(template[end]) || template[end] == '_'))
            {
                end++;
            }

            if (end == start || (isBraced && (end == template.Length || template[end] != '}')))
            {
                text.Append('$');
                continue;
            }

            string name = template[start..end];
            Group group = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? match.Groups[number] : match.Groups[name];
            text.Append(group.Value);
            call.Scope.Budget.Text(call.Position, group.Length);
            i = isBraced ? end : end - 1;
        }

        return text.ToString();
    }
}
