using System.Management.Automation;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Lists the workers of an engine.</summary>
[Cmdlet(VerbsCommon.Get, "BuildKitWorker")]
[OutputType(typeof(BuildKitWorker))]
public sealed class GetBuildKitWorkerCommand : EngineCmdlet
{
    /// <summary>The ids.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BuildKitWorkerCompleter))]
    public string[] Id { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord() => OnEachNode(Address, async (engine, poster, cancellationToken) =>
    {
        BuildKitInfo info = await engine.InspectAsync(cancellationToken).ConfigureAwait(false);
        List<WildcardPattern> patterns = [.. Id.Select(static i => WildcardPattern.Get(i, WildcardOptions.CultureInvariant))];
        foreach (BuildKitWorker worker in info.GetWorkers().Where(w => patterns.Exists(p => p.IsMatch(w.Id))))
        {
            poster.Output(worker);
        }
    });
}
