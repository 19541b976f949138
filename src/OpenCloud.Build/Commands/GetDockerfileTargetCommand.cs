using System.Management.Automation;
using OpenCloud.Build.Building;
using OpenCloud.Build.Client.BuildKit;

namespace OpenCloud.Build.Commands;

/// <summary>Lists the stages of a Dockerfile that can be built.</summary>
[Cmdlet(VerbsCommon.Get, "DockerfileTarget", DefaultParameterSetName = "Path")]
[OutputType(typeof(DockerfileTarget))]
public sealed class GetDockerfileTargetCommand : DockerfileCommand
{
    private protected override async Task<IEnumerable<object>> AskAsync(BuildKitClient client, CheckedBuild build, CancellationToken cancellationToken)
        => await client.GetTargetsAsync(build.Request, cancellationToken).ConfigureAwait(false);
}
