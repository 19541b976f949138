using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the address of an image store with those of this machine.</summary>
public sealed class ImageStoreCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        ImageStores.Others(string.Empty)
            .Select(static a => (a.ToString(), a.Scheme == "docker" ? "Docker Engine" : a.Path == ImageStores.DefaultContainerdSocket ? "containerd" : "$CONTAINERD_ADDRESS"))
            .Concat(EngineNameCompleter.Names())
            .Matching(wordToComplete);
}
