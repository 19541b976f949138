using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the type of a build cache record.</summary>
/// <remarks>moby/buildkit, client/diskusage.go.</remarks>
public sealed class BuildCacheTypeCompleter : IArgumentCompleter
{
    private static readonly (string Text, string Tip)[] Types =
    [
        ("regular", "results of steps"),
        ("source.local", "directories that clients sent"),
        ("source.git.checkout", "repositories that were cloned"),
        ("exec.cachemount", "RUN --mount=type=cache"),
        ("frontend", "images of frontends"),
        ("internal", "internal records of the engine"),
    ];

    /// <exception cref="BuildErrorException">The text contains more than a type.</exception>
    internal static string Check(string type) =>
        Types.Any(t => t.Text == type)
            ? type
            : throw ErrorCatalog.InvalidCacheType.ToException(type, null, type, string.Join(", ", Types.Select(static t => t.Text)));

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Types.Matching(wordToComplete);
}
