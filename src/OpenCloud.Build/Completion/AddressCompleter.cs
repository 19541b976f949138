using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client.Transport;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the address of an engine with those that are found on this machine.</summary>
public sealed class AddressCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        IReadOnlyList<EngineDiscovery.Candidate> candidates;
        try
        {
            candidates = EngineDiscovery.Candidates(new EngineConnectOptions());
        }
        catch (EngineConnectException)
        {
            // A setting that is no address has nothing to offer.
            return [];
        }

        // Sockets that are there, connected to or not: completion must not wait for an engine.
        return candidates
            .Where(static c => c.Address is not null && (c.Address.Path is null || File.Exists(c.Address.Path)))
            .Select(static c => (Text: c.Address!.ToString(), c.Source))
            .DistinctBy(static c => c.Text)
            .Matching(wordToComplete);
    }
}
