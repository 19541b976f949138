using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Commands;

/// <summary>Logs out of registries.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "ContainerRegistry", SupportsShouldProcess = true)]
public sealed class DisconnectContainerRegistryCommand : BuildCmdlet
{
    /// <summary>The registries.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    [TextTransform("Registry")]
    public string[] Registry { get; set; } = ["docker.io"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        string directory = RegistryLogins.DefaultDirectory;
        foreach (string registry in Registry)
        {
            try
            {
                string host = RegistryArguments.Check(registry);
                if (ShouldProcess(host, "Remove the login"))
                {
                    RunAsync(async (poster, cancellationToken) =>
                    {
                        if (!await RegistryLogins.RemoveAsync(directory, host, cancellationToken).ConfigureAwait(false))
                        {
                            poster.Error(ErrorCatalog.RegistryLoginNotFound.ToRecord(host, null, host, Path.Combine(directory, "config.json")));
                        }
                    });
                }
            }
            catch (BuildErrorException exception)
            {
                WriteError(exception.ToRecord());
            }
            catch (IOException exception)
            {
                WriteError(ErrorCatalog.RegistryLoginNotSaved, registry, exception, exception.Message);
            }
        }
    }
}
