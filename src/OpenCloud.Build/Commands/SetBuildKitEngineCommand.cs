using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Changes a registered engine.</summary>
[Cmdlet(VerbsCommon.Set, "BuildKitEngine", SupportsShouldProcess = true)]
[OutputType(typeof(BuildKitEngine))]
public sealed class SetBuildKitEngineCommand : NamedEngineCmdlet
{
    /// <summary>The name.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EngineNameCompleter))]
    public string Name { get; set; } = string.Empty;

    /// <summary>The addresses of all nodes.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string[] Address { get; set; } = [];

    /// <summary>The addresses of further nodes.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string[] AddAddress { get; set; } = [];

    /// <summary>The addresses of nodes to remove.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NodeAddressCompleter))]
    public string[] RemoveAddress { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Name, () =>
    {
        if (Name.Length == 0)
        {
            throw ErrorCatalog.ParameterMissing.ToException(null, null, nameof(Name));
        }

        NamedEngineStore store = Store;
        BuildKitEngine known = store.Find(Name) ?? throw ErrorCatalog.EngineNotRegistered.ToException(Name, null, Name);
        BuildKitEngine planned = Change(known);
        if (ShouldProcess(known.Name, $"Change the engine{(planned.Nodes.SequenceEqual(known.Nodes) ? string.Empty : $" to {string.Join(", ", planned.Nodes)}")}"))
        {
            WriteObject(store.Update(Name, Change, StopToken));
        }
    });

    private BuildKitEngine Change(BuildKitEngine engine)
    {
        List<EngineNode> nodes = [.. engine.Nodes];
        HashSet<string> named = new(StringComparer.Ordinal);
        if (Address.Length > 0)
        {
            // A node that stays keeps its settings.
            nodes = [.. NamedEngineArguments.Addresses(Address).Select(a => nodes.Find(n => n.Address == a) ?? new EngineNode { Address = a })];
            named.UnionWith(nodes.Select(static n => n.Address));
        }

        if (RemoveAddress.Length > 0)
        {
            foreach (string address in NamedEngineArguments.Addresses(RemoveAddress))
            {
                if (nodes.RemoveAll(n => n.Address == address) == 0)
                {
                    throw ErrorCatalog.EngineNodeInvalid.ToException(address, null, $"The engine '{engine.Name}' has no node '{address}'.");
                }
            }
        }

        if (AddAddress.Length > 0)
        {
            foreach (string address in NamedEngineArguments.Addresses(AddAddress))
            {
                if (nodes.Exists(n => n.Address == address))
                {
                    throw ErrorCatalog.EngineNodeInvalid.ToException(address, null, $"The engine '{engine.Name}' already has the node '{address}'.");
                }

                nodes.Add(new EngineNode { Address = address });
                named.Add(address);
            }
        }

        // At least one, and at most as many as the file can have.
        _ = NamedEngineArguments.Addresses(nodes.Select(static n => n.Address));
        return WithSettings(engine with { Nodes = [.. nodes.Select(n => named.Count == 0 || named.Contains(n.Address) ? WithSettings(n) : n)] });
    }
}
