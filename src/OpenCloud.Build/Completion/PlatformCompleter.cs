using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Completion;

/// <summary>Completes a platform: this machine's first, then common ones.</summary>
public sealed class PlatformCompleter : IArgumentCompleter
{
    private static readonly string[] Usual =
    [
        "linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/riscv64",
        "linux/ppc64le", "linux/s390x", "linux/loong64", "windows/amd64",
    ];

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string own = Platform.Current.ToString();
        return Usual.Prepend(own).Distinct().Select(p => (p, p == own ? "this machine" : p)).Matching(wordToComplete);
    }
}
