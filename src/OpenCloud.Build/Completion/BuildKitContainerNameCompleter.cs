using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Containers;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the name of an engine that runs as a container.</summary>
public sealed class BuildKitContainerNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        CompletionQuery.AskContainers(fakeBoundParameters, static (containers, cancellationToken) => containers.ListAsync(cancellationToken))
            .Select(static (BuildKitContainer c) => (c.Name, $"{c.State}, {c.Image}"))
            .Matching(wordToComplete);
}

/// <summary>Completes the network of a container with those that every Docker Engine has, and containerd but for bridge.</summary>
public sealed class ContainerNetworkCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { ("none", "no network: builds cannot download"), ("bridge", "Docker's network"), ("host", "the network of the machine") }.Matching(wordToComplete);
}
