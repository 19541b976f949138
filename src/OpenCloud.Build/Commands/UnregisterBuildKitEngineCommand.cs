using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Removes the registration of an engine.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "BuildKitEngine", SupportsShouldProcess = true)]
public sealed class UnregisterBuildKitEngineCommand : BuildCmdlet
{
    /// <summary>The names.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [TextTransform("Name")]
    [ArgumentCompleter(typeof(EngineNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string name in Name)
        {
            Guard(name, () =>
            {
                NamedEngineStore store = new();
                BuildKitEngine engine = store.Find(name) ?? throw ErrorCatalog.EngineNotRegistered.ToException(name, null, name);
                if (ShouldProcess(engine.Name, "Remove the registration of the engine"))
                {
                    store.Remove(name, StopToken);
                }
            });
        }
    }

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        NamedEngineException failure => NamedEngineErrors.From(failure, target).ToRecord(),
        _ => base.ToRecord(exception, target),
    };
}
