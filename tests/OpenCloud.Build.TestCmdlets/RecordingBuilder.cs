using System.Management.Automation;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Nodes;
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
        private string? _socket;
        private IPipelinePoster? _poster;

        public Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken)
        {
            _socket = build.Address?.Path;
            _poster = poster;
            PSObject seen = new();
            foreach ((string name, object? value) in new (string, object?)[]
            {
                ("Context", build.Request.ContextPath),
                ("DockerfilePath", build.Request.DockerfilePath),
                ("DockerfileContent", build.Request.DockerfileText),
                ("Stages", StagesOf(build)),
                ("Tags", build.Request.Tags.ToArray()),
                ("BuildArguments", build.Request.BuildArguments),
                ("Labels", build.Request.Labels),
                ("Target", build.Request.Target),
                ("Platforms", build.Request.Platforms.ToArray()),
                ("NoCache", build.Request.NoCache),
                ("Pull", build.Request.Pull),
                ("Address", build.Address?.ToString()),
                ("ConnectTimeout", build.Connect.ConnectTimeout),
                ("AllowPlainTcp", build.Connect.AllowPlainTcp),
                ("LogPath", build.LogPath),
                ("Attestations", build.Request.Attestations.ToArray()),
                ("Request", build.Request),
            })
            {
                seen.Properties.Add(new PSNoteProperty(name, value));
            }

            poster.Output(seen);
            return Task.FromResult(new ImageBuildResult { References = build.Request.Tags, Path = build.Request.ContextPath });
        }

        public ValueTask DisconnectAsync()
        {
            PSObject seen = new();
            seen.Properties.Add(new PSNoteProperty("IsEngineThere", File.Exists(_socket)));
            _poster?.Output(seen);
            return ValueTask.CompletedTask;
        }

        public void Dispose()
        {
        }

        private static string?[]? StagesOf(CheckedBuild build) =>
            (build.Request.DockerfileContent?.Text ?? build.Request.DockerfileText) is { } text
                ? [.. DockerfileText.Parse(text, build.Request.BuildArguments.GetValueOrDefault("BUILDKIT_SYNTAX")).Stages.Select(static s => s.Name)]
                : null;
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
