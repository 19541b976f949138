using System.Management.Automation;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Commands.Base;

namespace OpenCloud.Build.Commands;

/// <summary>Gets information about an engine.</summary>
[Cmdlet(VerbsCommon.Get, "BuildKitInfo")]
[OutputType(typeof(BuildKitInfo))]
public sealed class GetBuildKitInfoCommand : EngineCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => OnEngine(Address, static async (engine, poster, cancellationToken) =>
        poster.Output(await engine.InspectAsync(cancellationToken).ConfigureAwait(false)));
}
