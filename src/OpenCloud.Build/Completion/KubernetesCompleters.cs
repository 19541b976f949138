using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Engines.Deployments;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the contexts of kubectl's configuration.</summary>
public sealed class KubernetesContextCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        KubernetesNames.Contexts().Select(static name => (name, "a context of kubectl")).Matching(wordToComplete);
}

/// <summary>Completes the namespaces of a cluster.</summary>
public sealed class KubernetesNamespaceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        KubernetesNames.Namespaces(fakeBoundParameters["Context"]?.ToString()).Select(static name => (name, "a namespace")).Matching(wordToComplete);
}

/// <summary>Completes the deployments of this module.</summary>
public sealed class BuildKitDeploymentCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        KubernetesNames.Deployments(fakeBoundParameters["Context"]?.ToString(), fakeBoundParameters["Namespace"]?.ToString())
            .Select(static d => (d.Name, $"{d.Kind} with {d.Ready} of {d.Replicas} pods ready"))
            .Matching(wordToComplete);
}

/// <summary>Completes an amount of processors.</summary>
public sealed class ProcessorAmountCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "500m", "1", "2", "4", "8" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Completes an amount of memory or storage.</summary>
public sealed class MemoryAmountCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "2Gi", "4Gi", "8Gi", "16Gi", "50Gi", "100Gi" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Completes a number of pods.</summary>
public sealed class ReplicasCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        new[] { "1", "2", "3", "5", "10" }.Select(static w => (w, w)).Matching(wordToComplete);
}

/// <summary>Asks kubectl within the time of a completion.</summary>
internal static class KubernetesNames
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static IReadOnlyList<string> Contexts() => CompletionQuery.Compute(
        $"kubernetes contexts {Environment.GetEnvironmentVariable("KUBECONFIG")}",
        static () => BuildKitDeployments.ListContextsAsync(Patience).GetAwaiter().GetResult());

    public static IReadOnlyList<string> Namespaces(string? context) => CompletionQuery.Compute(
        $"kubernetes namespaces {Environment.GetEnvironmentVariable("KUBECONFIG")} {context}",
        () => Open(context, null).ListNamespacesAsync().GetAwaiter().GetResult());

    public static IReadOnlyList<BuildKitDeployment> Deployments(string? context, string? space) => CompletionQuery.Compute(
        $"kubernetes deployments {Environment.GetEnvironmentVariable("KUBECONFIG")} {context} {space}",
        () => Open(context, space).ListAsync().GetAwaiter().GetResult());

    private static BuildKitDeployments Open(string? context, string? space) =>
        new(string.IsNullOrEmpty(context) ? null : context, string.IsNullOrEmpty(space) ? null : space, Patience);
}
