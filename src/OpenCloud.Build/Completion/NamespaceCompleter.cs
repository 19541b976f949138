using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace OpenCloud.Build.Completion;

/// <summary>Completes a namespace of containerd.</summary>
public sealed class NamespaceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        CompletionQuery.AskStore("namespaces", fakeBoundParameters, static (store, cancellationToken) => store.ListNamespacesAsync(cancellationToken))
            .Select(static name => (name, $"namespace {name}"))
            .Append(("*", "every namespace"))
            .Matching(wordToComplete);
}
