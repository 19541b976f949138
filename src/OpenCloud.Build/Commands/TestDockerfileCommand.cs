using System.Management.Automation;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Has BuildKit's build checks look at a Dockerfile.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Dockerfile", DefaultParameterSetName = "Path")]
[OutputType(typeof(bool), typeof(DockerfileCheck))]
public sealed class TestDockerfileCommand : DockerfileCommand
{
    private static readonly string[] Verdicts =
        [ErrorCatalog.InvalidDockerfile.Id, ErrorCatalog.DockerfileRejected.Id, ErrorCatalog.TargetNotFound.Id, ErrorCatalog.TargetRejected.Id];

    /// <summary>The stage that is looked at, with those it needs.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(DockerfileStageCompleter))]
    public string? Target { get; set; }

    /// <summary>Gives what was found, not whether anything was.</summary>
    [Parameter]
    public SwitchParameter Detailed { get; set; }

    private protected override string? StageName => Target;

    private protected override async Task<IEnumerable<object>> AskAsync(BuildKitClient client, CheckedBuild build, CancellationToken cancellationToken)
    {
        DockerfileChecks checks = await client.CheckDockerfileAsync(build.Request, cancellationToken).ConfigureAwait(false);
        if (!Detailed)
        {
            return [checks.IsClean];
        }

        return checks.Error is { } error
            ? [.. checks.Findings, new DockerfileCheck("BuildError", "The Dockerfile cannot be built.", error.Message, null, error.File, error.Line, error.Line)]
            : checks.Findings;
    }

    private protected override void WriteFailure(BuildErrorException failure)
    {
        // An invalid Dockerfile has failed its test; any other error says nothing about it.
        if (!Detailed && Verdicts.Contains(failure.ErrorId))
        {
            WriteVerbose(TerminalText.Plain(failure.Message));
            WriteObject(false);
            return;
        }

        base.WriteFailure(failure);
    }
}
