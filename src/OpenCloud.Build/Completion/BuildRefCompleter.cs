using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Records;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the id of a build with those of the engine's history.</summary>
public sealed class BuildRefCompleter : IArgumentCompleter
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            using CancellationTokenSource limit = new(Patience);
            EngineAddress? address = fakeBoundParameters["Address"] is { } text ? EngineAddress.Parse(text.ToString()!) : null;
            IReadOnlyList<BuildRecord> records = Task.Run(async () =>
            {
                BuildKitClient engine = await BuildKitClient.ConnectAsync(address, new EngineConnectOptions { ConnectTimeout = Patience }, limit.Token).ConfigureAwait(false);
                await using (engine.ConfigureAwait(false))
                {
                    return await engine.History.ListAsync(null, false, limit.Token).ConfigureAwait(false);
                }
            }).GetAwaiter().GetResult();
            return records.Select(static r => (r.Ref, string.Create(CultureInfo.InvariantCulture, $"{r.Subject}, {r.Status}, {r.Started:u}"))).Matching(wordToComplete);
        }
        catch (Exception)
        {
            // Completion cannot show errors.
            return [];
        }
    }
}
