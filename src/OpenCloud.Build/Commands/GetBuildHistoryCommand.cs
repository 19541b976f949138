using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Lists the builds of an engine's history.</summary>
[Cmdlet(VerbsCommon.Get, "BuildHistory")]
[OutputType(typeof(BuildRecord))]
public sealed class GetBuildHistoryCommand : BuildHistoryCmdlet
{
    /// <summary>The ids of builds.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BuildRefCompleter))]
    [TextTransform("Ref")]
    public string[]? Ref { get; set; }

    /// <summary>Only builds in this state.</summary>
    [Parameter]
    public BuildRecordStatus[]? Status { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // A variable that has no value names no build, as an empty list does.
        if (Ref is null && !MyInvocation.BoundParameters.ContainsKey(nameof(Ref)))
        {
            OnEachNode(Address, async (engine, poster, cancellationToken) =>
            {
                bool activeOnly = Status is [BuildRecordStatus.Running];
                foreach (BuildRecord record in await engine.History.ListAsync(null, activeOnly, cancellationToken).ConfigureAwait(false))
                {
                    Write(record, poster);
                }
            });
            return;
        }

        foreach (string reference in Ref ?? [])
        {
            WriteFound(reference);
        }
    }

    // Of several nodes, one has the build.
    private void WriteFound(string reference)
    {
        bool isFound = false;
        BuildErrorException? missing = null;
        OnEachNode(reference, async (engine, poster, cancellationToken) =>
        {
            try
            {
                foreach (BuildRecord record in await FindAllAsync(engine.History, reference, cancellationToken).ConfigureAwait(false))
                {
                    isFound = true;
                    Write(record, poster);
                }
            }
            catch (BuildErrorException error) when (error.ErrorId == ErrorCatalog.BuildNotFound.Id)
            {
                missing ??= error;
            }
        });
        if (!isFound && missing is not null)
        {
            WriteError(missing.ToRecord());
        }
    }

    private void Write(BuildRecord record, IPipelinePoster poster)
    {
        if (Status is null || Status.Contains(record.Status))
        {
            poster.Output(record);
        }
    }
}
