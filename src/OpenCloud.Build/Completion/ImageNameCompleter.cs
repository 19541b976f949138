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
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string @namespace = fakeBoundParameters["Namespace"] is { } given and not Array ? given.ToString()! : ImageStores.DefaultNamespace;
        return StoreCompletion.Ask<string>(fakeBoundParameters, async (store, cancellationToken) =>
        {
            List<string> names = [];
            ImageQuery query = new() { Namespaces = store.HasNamespaces && @namespace != "*" ? [@namespace] : [] };
            await foreach (ContainerImage image in store.ListAsync(query, cancellationToken).ConfigureAwait(false))
            {
                names.Add(image.Name);
            }

            return names;
        }).Distinct().Select(static name => (name, name)).Matching(wordToComplete);
    }
}
