using System.Management.Automation;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Subrequests;

namespace OpenCloud.Build.Commands;

/// <summary>Lists the stages of a Dockerfile that can be built.</summary>
[Cmdlet(VerbsCommon.Get, "DockerfileTarget", DefaultParameterSetName = "Path")]
[OutputType(typeof(DockerfileTarget))]
public sealed class GetDockerfileTargetCommand : DockerfileCommand
{
    private protected override async Task<IEnumerable<object>> AskAsync(BuildKitClient client, CheckedBuild build, CancellationToken cancellationToken)
        => [.. (await client.GetTargetsAsync(build.Request, cancellationToken).ConfigureAwait(false)).Select(target => WithBuild(target, build))];

    // The object also has the parameters of Invoke-ImageBuild, so that it can be piped on and built.
    private static PSObject WithBuild(DockerfileTarget target, CheckedBuild build)
    {
        PSObject item = new(target);
        Add("LiteralPath", build.Request.ContextPath);
        Add("Dockerfile", build.Request.DockerfilePath);
        Add("DockerfileText", build.Request.DockerfileText);
        Add("Target", target.Name);
        Add("Address", build.Address?.ToString());
        return item;

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                item.Properties.Add(new PSNoteProperty(name, value));
            }
        }
    }
}
