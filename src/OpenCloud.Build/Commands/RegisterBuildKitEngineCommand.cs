using System.Management.Automation;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Registers one engine, or several as one, under a name.</summary>
[Cmdlet(VerbsLifecycle.Register, "BuildKitEngine", SupportsShouldProcess = true)]
[OutputType(typeof(BuildKitEngine))]
public sealed class RegisterBuildKitEngineCommand : NamedEngineCmdlet
{
    /// <summary>The name.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EngineNameCompleter))]
    public string Name { get; set; } = string.Empty;

    /// <summary>The addresses of the nodes.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string[] Address { get; set; } = [];

    /// <summary>Replaces an engine with the same name.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Name, () =>
    {
        if (Name.Length == 0 || Address.Length == 0)
        {
            throw ErrorCatalog.ParameterMissing.ToException(null, null, Name.Length == 0 ? nameof(Name) : nameof(Address));
        }

        NamedEngineStore store = Store;
        bool wasDefault = Force && store.Find(Name)?.IsDefault == true;
        BuildKitEngine engine = WithSettings(new BuildKitEngine { Name = Name, Nodes = ReadNodes(Address), IsDefault = wasDefault });
        store.CheckNew(Name, Force);
        if (ShouldProcess(Name, $"Register the engine with {string.Join(", ", engine.Nodes)}"))
        {
            store.Add(engine, Force, StopToken);
            WriteObject(store.Find(Name));
        }
    });
}
