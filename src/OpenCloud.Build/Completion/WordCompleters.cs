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

/// <summary>Completes a duration.</summary>
public sealed class DurationCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "500ms", "5s", "30s", "2m", "1h", "24h", "168h" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Completes a number of bytes.</summary>
public sealed class SizeCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "1GB", "5GB", "10GB", "50GB", "100GB" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Completes an attestation in docker's form.</summary>
public sealed class AttestationCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "type=sbom", "type=provenance,mode=max", "type=provenance,mode=min" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Completes nothing, where PowerShell would offer the names of files.</summary>
public sealed class NoCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) => [];
}
