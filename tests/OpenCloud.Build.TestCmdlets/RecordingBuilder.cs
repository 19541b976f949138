using System.Management.Automation;
using OpenCloud.Build.Building;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.TestCmdlets;

/// <summary>Makes Invoke-ImageBuild give what it would have sent, instead of building: its checks need no engine.</summary>
[Cmdlet(VerbsOther.Use, "RecordingBuilder")]
public sealed class UseRecordingBuilderCommand : PSCmdlet
{
    private static Func<IImageBuilder>? _real;

    [Parameter]
    public SwitchParameter Restore { get; set; }

    protected override void ProcessRecord()
    {
        _real ??= ImageBuilders.Create;
        ImageBuilders.Create = Restore ? _real : static () => new RecordingBuilder();
    }

    private sealed class RecordingBuilder : IImageBuilder
    {
        public Task<ImageBuildResult> BuildAsync(ImageBuildRequest request, IPipelinePoster poster, CancellationToken cancellationToken)
        {
            PSObject seen = new();
            foreach ((string name, object? value) in new (string, object?)[]
            {
                ("Context", request.ContextDirectory),
                ("DockerfilePath", request.DockerfilePath),
                ("DockerfileContent", request.DockerfileContent),
                ("Tags", request.Tags.Select(static t => t.ToString()).ToArray()),
                ("BuildArguments", request.BuildArguments),
                ("Labels", request.Labels),
                ("Target", request.Target),
                ("Platforms", request.Platforms.Select(static p => p.ToString()).ToArray()),
                ("NoCache", request.NoCache),
                ("Pull", request.Pull),
                ("Address", request.Address?.ToString()),
                ("ConnectTimeout", request.Connect.ConnectTimeout),
                ("AllowPlainTcp", request.Connect.AllowPlainTcp),
                ("LogPath", request.LogPath),
            })
            {
                seen.Properties.Add(new PSNoteProperty(name, value));
            }

            poster.Output(seen);
            return Task.FromResult(new ImageBuildResult { References = [.. request.Tags.Select(static t => t.ToString())], Path = request.ContextDirectory });
        }
    }
}

/// <summary>Gives the module's errors.</summary>
[Cmdlet(VerbsCommon.Get, "TestErrorCatalog")]
public sealed class GetTestErrorCatalogCommand : PSCmdlet
{
    protected override void ProcessRecord()
    {
        foreach (ErrorEntry entry in ErrorCatalog.All)
        {
            PSObject seen = new();
            seen.Properties.Add(new PSNoteProperty("Id", entry.Id));
            seen.Properties.Add(new PSNoteProperty("Category", entry.Category));
            seen.Properties.Add(new PSNoteProperty("Message", entry.Message));
            seen.Properties.Add(new PSNoteProperty("Action", entry.Action));
            // As many arguments as any entry takes: a format string that is wrong throws here.
            object[] arguments = ["<0>", "<1>", "<2>", "<3>"];
            seen.Properties.Add(new PSNoteProperty("Record", entry.ToRecord("target", new IOException("cause"), arguments)));
            WriteObject(seen);
        }
    }
}
