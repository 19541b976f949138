using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Engines.Named;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the names of registered engines.</summary>
public sealed class EngineNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Names().Matching(wordToComplete);

    /// <summary>The names, with what each means; none when the file cannot be read.</summary>
    internal static IReadOnlyList<(string Text, string Tip)> Names() =>
        [.. Engines().Select(static e => (e.Name, (e.IsDefault ? "default engine: " : "engine: ")
            + (e.Nodes.Count == 1 ? e.Nodes[0].Address : string.Create(CultureInfo.InvariantCulture, $"{e.Nodes.Count} nodes"))))];

    internal static IReadOnlyList<BuildKitEngine> Engines()
    {
        try
        {
            return new NamedEngineStore().Read();
        }
        catch (NamedEngineException)
        {
            // Completion cannot show errors.
            return [];
        }
    }
}

/// <summary>Completes the labels of registered engines.</summary>
public sealed class EngineLabelCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        EngineNameCompleter.Engines().SelectMany(static e => e.Labels.Select(l => ($"{l.Key}={l.Value}", $"a label of {e.Name}"))).DistinctBy(static l => l.Item1).Matching(wordToComplete);
}

/// <summary>Completes the nodes of the engine that the command line names.</summary>
public sealed class NodeAddressCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        EngineNameCompleter.Engines().Where(e => fakeBoundParameters["Name"]?.ToString()?.Equals(e.Name, StringComparison.OrdinalIgnoreCase) != false)
            .SelectMany(static e => e.Nodes.Select(n => (n.Address, $"a node of {e.Name}"))).Matching(wordToComplete);
}
