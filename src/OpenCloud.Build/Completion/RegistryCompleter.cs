using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Credentials;

namespace OpenCloud.Build.Completion;

/// <summary>Completes a registry, or the registry of a reference, with those of docker's configuration.</summary>
public sealed class RegistryCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return RegistryLogins.List(RegistryLogins.DefaultDirectory)
                .Select(host => parameterName == "Registry" && !commandName.StartsWith("Get-", StringComparison.OrdinalIgnoreCase) ? (host, host) : (host + "/", host))
                .Matching(wordToComplete);
        }
        catch (IOException)
        {
            // Completion cannot show errors.
            return [];
        }
    }
}
