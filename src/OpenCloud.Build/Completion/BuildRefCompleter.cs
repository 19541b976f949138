using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the id of a build with those of the engine's history.</summary>
public sealed class BuildRefCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        CompletionQuery.AskEngine("builds", fakeBoundParameters, static (engine, cancellationToken) => engine.History.ListAsync(null, false, cancellationToken))
            .Select(static r => (r.Ref, string.Create(CultureInfo.InvariantCulture, $"{r.Subject}, {r.Status}, {r.Started:u}")))
            .Matching(wordToComplete);
}

/// <summary>Completes the id of a record of the engine's build cache.</summary>
public sealed class BuildCacheIdCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        CompletionQuery.AskEngine("cache", fakeBoundParameters, static (engine, cancellationToken) => engine.ListCacheAsync([], cancellationToken))
            .Select(static r => (r.Id, $"{r.Type}, {r.Description}"))
            .Matching(wordToComplete);
}

/// <summary>Completes the id of a worker of the engine.</summary>
public sealed class BuildKitWorkerCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        CompletionQuery.AskEngine("workers", fakeBoundParameters, static async (engine, cancellationToken) => (await engine.InspectAsync(cancellationToken).ConfigureAwait(false)).GetWorkers())
            .Select(static w => (w.Id, string.Join(", ", w.Platforms)))
            .Matching(wordToComplete);
}
