using System.Management.Automation;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Gives the log of a build.</summary>
[Cmdlet(VerbsCommon.Get, "BuildLog")]
[OutputType(typeof(string), typeof(byte[]))]
public sealed class GetBuildLogCommand : BuildHistoryCmdlet
{
    // The past part of a running build's log comes at once; a pause of this length counts as its end.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>The ids of builds.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(BuildRefCompleter))]
    public string[] Ref { get; set; } = [];

    /// <summary>Follows a build that runs.</summary>
    [Parameter]
    [Alias("Follow")]
    public SwitchParameter Wait { get; set; }

    /// <summary>Gives the bytes that steps wrote as they came.</summary>
    [Parameter]
    public SwitchParameter Raw { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string reference in Ref)
        {
            OnEngine(reference, async (engine, poster, cancellationToken) =>
            {
                BuildHistory history = new(engine.Channel);
                BuildRecord record = await FindAsync(history, reference, cancellationToken).ConfigureAwait(false);
                bool follows = Wait || record.Status != BuildRecordStatus.Running;
                BuildLogWriter writer = new(poster.Output);
                await foreach (BuildEvent happened in history.ReadLogAsync(record.Ref, follows ? null : Pause, Raw, cancellationToken).ConfigureAwait(false))
                {
                    if (happened is StepWrote piece)
                    {
                        poster.Output(piece.Bytes.ToArray());
                    }
                    else if (!Raw)
                    {
                        writer.Write(happened);
                    }
                }
            });
        }
    }
}
