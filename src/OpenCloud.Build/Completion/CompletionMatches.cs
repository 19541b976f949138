using System.Management.Automation;
using System.Management.Automation.Language;

namespace OpenCloud.Build.Completion;

/// <summary>What the completers share.</summary>
internal static class CompletionMatches
{
    /// <summary>Those of <paramref name="candidates"/> that the word being typed may become, quoted where they need it.</summary>
    public static IEnumerable<CompletionResult> Matching(this IEnumerable<(string Text, string Tip)> candidates, string word)
    {
        string typed = word.Trim('\'', '"');
        return [.. candidates
            .Where(c => c.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
            .Select(static c => new CompletionResult(Quoted(c.Text), c.Text, CompletionResultType.ParameterValue, c.Tip))];
    }

    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(" \t'\"`$;,(){}|&<>@#") < 0 ? text : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
}
