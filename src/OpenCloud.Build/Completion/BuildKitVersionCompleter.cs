using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Completion;

/// <summary>Completes a version of BuildKit with those this module knows.</summary>
public sealed class BuildKitVersionCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        KnownReleases.Versions
            .Select(static version => (version.ToString(), KnownReleases.VulnerabilitiesOf(version) is [var known, ..] ? known : "verified by a known SHA-256"))
            .Matching(wordToComplete);
}
