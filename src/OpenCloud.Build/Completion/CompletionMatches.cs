using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Completion;

/// <summary>What the completers share.</summary>
internal static class CompletionMatches
{
    /// <summary>Those of <paramref name="candidates"/> that the word being typed may become, quoted where they need it.</summary>
    public static IEnumerable<CompletionResult> Matching(this IEnumerable<(string Text, string Tip)> candidates, string word)
    {
        string typed = word.Trim('\'', '"');
        return [.. candidates
            // What cannot be typed cannot be meant, and would be written to the terminal as it is.
            .Where(static c => TerminalText.Line(c.Text) == c.Text)
            .Where(c => c.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
            .Select(static c => new CompletionResult(Quoted(c.Text), c.Text, CompletionResultType.ParameterValue, TerminalText.Line(c.Tip) is { Length: > 0 } tip ? tip : c.Text))];
    }

    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(" \t'\"`$;,(){}|&<>@#") < 0 ? text : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
}
