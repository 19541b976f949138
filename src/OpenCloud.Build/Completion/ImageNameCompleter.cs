using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the name of an image with those of the store.</summary>
public sealed class ImageNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Names(fakeBoundParameters).Select(static name => (name, name)).Matching(wordToComplete);

    internal static IEnumerable<string> Names(IDictionary bound)
    {
        string @namespace = bound["Namespace"] is { } given and not Array ? given.ToString()! : ImageStores.DefaultNamespace;
        return CompletionQuery.AskStore<string>($"images {@namespace}", bound, async (store, cancellationToken) =>
        {
            List<string> names = [];
            ImageQuery query = new() { NamesOnly = true, Namespaces = store.HasNamespaces && @namespace != "*" ? [@namespace] : [] };
            await foreach (ContainerImage image in store.ListAsync(query, cancellationToken).ConfigureAwait(false))
            {
                names.Add(image.Name);
            }

            return names;
        }).Distinct();
    }
}

/// <summary>Completes a new name: the tags of the image's repository, and the names of the store.</summary>
public sealed class ImageTagCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string[] names = [.. ImageNameCompleter.Names(fakeBoundParameters)];
        string? repository = fakeBoundParameters["Name"]?.ToString()?.Split(':')[0];
        return names
            .Where(name => repository is not null && name.StartsWith(repository + ":", StringComparison.Ordinal))
            .Select(name => (name[(repository!.Length + 1)..], name))
            .Concat(names.Select(static name => (name, name)))
            .Matching(wordToComplete);
    }
}
