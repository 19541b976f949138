using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Completion;

internal static class CompletionMatches
{
    /// <summary>The <paramref name="candidates"/> that match the word being typed, quoted where necessary.</summary>
    public static IEnumerable<CompletionResult> Matching(this IEnumerable<(string Text, string Tip)> candidates, string word)
    {
        string typed = word.Trim('\'', '"');
        return [.. candidates
            // Names with control characters cannot be typed, and would reach the terminal unescaped.
            .Where(static c => TerminalText.Line(c.Text) == c.Text)
            .Where(c => c.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
            .Select(static c => new CompletionResult(Quoted(c.Text), c.Text, CompletionResultType.ParameterValue, TerminalText.Line(c.Tip) is { Length: > 0 } tip ? tip : c.Text))];
    }

    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(" \t'\"`$;,(){}|&<>@#") < 0 ? text : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
}
