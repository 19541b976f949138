using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Removes builds from an engine's history.</summary>
[Cmdlet(VerbsCommon.Remove, "BuildHistory", SupportsShouldProcess = true)]
public sealed class RemoveBuildHistoryCommand : BuildHistoryCmdlet
{
    /// <summary>The ids of builds.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BuildRefCompleter))]
    [TextTransform("Ref")]
    public string[] Ref { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string reference in Ref)
        {
            OnEngine(reference, async (engine, poster, cancellationToken) =>
            {
                BuildHistory history = engine.History;
                foreach (BuildRecord record in await FindAllAsync(history, reference, cancellationToken).ConfigureAwait(false))
                {
                    if (record.Status == BuildRecordStatus.Running)
                    {
                        poster.Error(ErrorCatalog.BuildIsRunning.ToRecord(reference, null, record.Ref));
                    }
                    else if (await poster.InvokeAsync(() => ShouldProcess($"{record.Ref} ({record.Subject})", $"Remove from the build history of {history.Engine}")).ConfigureAwait(false))
                    {
                        await history.RemoveAsync(record.Ref, cancellationToken).ConfigureAwait(false);
                    }
                }
            });
        }
    }
}
