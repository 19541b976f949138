using System.Management.Automation;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Tells what a build of a Dockerfile's stage can be given, and what it uses.</summary>
[Cmdlet(VerbsCommon.Get, "DockerfileOutline", DefaultParameterSetName = "Path")]
[OutputType(typeof(DockerfileOutline))]
public sealed class GetDockerfileOutlineCommand : DockerfileCommand
{
    /// <summary>The stage.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(DockerfileStageCompleter))]
    public string? Target { get; set; }

    private protected override string? StageName => Target;

    private protected override async Task<IEnumerable<object>> AskAsync(BuildKitClient client, CheckedBuild build, CancellationToken cancellationToken)
        => [await client.GetOutlineAsync(build.Request, cancellationToken).ConfigureAwait(false)];
}
