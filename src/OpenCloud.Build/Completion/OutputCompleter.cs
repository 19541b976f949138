using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the type of an output, in docker's form.</summary>
public sealed class OutputCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        BuildOutput.Types.Select(static t => t switch
        {
            BuildOutput.Image => ("type=image", "an image in the engine's store"),
            BuildOutput.Registry => ("type=registry", "an image, pushed to its registry"),
            BuildOutput.Oci => ("type=oci,dest=", "an OCI archive, or with tar=false an OCI layout in a directory"),
            BuildOutput.Docker => ("type=docker,dest=", "an archive for docker load"),
            BuildOutput.Tar => ("type=tar,dest=", "the file system as a tar archive"),
            BuildOutput.CacheOnly => ("type=cacheonly", "only the build cache"),
            _ => ("type=local,dest=", "the file system as a directory"),
        }).Matching(wordToComplete);
}

/// <summary>Completes the type of a cache, in docker's form.</summary>
public sealed class CacheCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        (string Text, string Tip)[] candidates = parameterName == "CacheTo"
            ? [("type=registry,mode=max,ref=", "in a registry"), ("type=local,mode=max,dest=", "in a directory"), ("type=inline", "in the image")]
            : [("type=registry,ref=", "in a registry"), ("type=local,src=", "in a directory")];
        return candidates.Matching(wordToComplete);
    }
}
