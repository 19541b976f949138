using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Waits until an engine answers.</summary>
[Cmdlet(VerbsLifecycle.Wait, "BuildKit")]
[OutputType(typeof(BuildKitInfo))]
public sealed class WaitBuildKitCommand : TlsCmdlet
{
    /// <summary>The engine.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    [TextTransform("Address", TakesFiles = true)]
    public string? Address { get; set; }

    /// <summary>How long to wait.</summary>
    [Parameter]
    [Alias("ConnectTimeout")]
    [DurationTransform]
    [ArgumentCompleter(typeof(DurationCompleter))]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Returns information about the engine.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            if (Timeout <= TimeSpan.Zero)
            {
                throw ErrorCatalog.InvalidDuration.ToException(Timeout, null, nameof(Timeout));
            }

            EngineAddress? address = EngineArguments.ParseAddress(Address);
            EngineConnectOptions options = OptionsWith(Timeout);
            using EnginePool engines = new();
            RunAsync(async (poster, cancellationToken) =>
            {
                // Connecting requests the workers, so an engine that accepts but does not answer yet does not count.
                BuildKitClient engine = await engines.GetAsync(address, options, poster, cancellationToken).ConfigureAwait(false);
                if (PassThru)
                {
                    poster.Output(await engine.InspectAsync(cancellationToken).ConfigureAwait(false));
                }
            });
        }
        catch (BuildErrorException exception)
        {
            WriteError(exception.ToRecord());
        }
    }
}
