using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the entitlements that engines know.</summary>
public sealed class EntitlementCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "network.host", "security.insecure", "device" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Completes common provenance settings.</summary>
public sealed class ProvenanceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "max", "min", "false" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Completes the time limit of a build.</summary>
public sealed class BuildTimeoutCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "5m", "15m", "30m", "1h", "4h" }.Select(static w => (w, w)).Matching(wordToComplete);
}
