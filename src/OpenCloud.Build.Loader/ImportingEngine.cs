using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Reflection;

namespace OpenCloud.Build.Loader;

/// <summary>What PowerShell's engine knows of the import that it does, and has no public API for.</summary>
internal sealed class ImportingEngine
{
    private readonly object _context;

    private ImportingEngine(object context, Dictionary<string, Assembly> assemblies, PSModuleInfo module)
    {
        _context = context;
        Assemblies = assemblies;
        Module = module;
    }

    /// <summary>The assemblies of modules. A key is the name of the module, <c>@</c> and the path of the file.</summary>
    public Dictionary<string, Assembly> Assemblies { get; }

    /// <summary>The module whose manifest is imported.</summary>
    public PSModuleInfo Module { get; }

    /// <summary>The cmdlet that imports it.</summary>
    public Cmdlet? Command => Read(Read(_context, "CurrentCommandProcessor"), "Command") as Cmdlet;

    /// <summary>Null where this PowerShell differs from those that this class knows.</summary>
    public static ImportingEngine? Find() =>
        !(AppContext.TryGetSwitch("OpenCloud.Build.PublicApiOnly", out bool isPublicOnly) && isPublicOnly)
        && Read(Runspace.DefaultRunspace, "GetExecutionContext") is { } context
        && Read(context, "AssemblyCache") is Dictionary<string, Assembly> assemblies
        && Read(Read(context, "EngineSessionState"), "Module") is PSModuleInfo module
            ? new ImportingEngine(context, assemblies, module)
            : null;

    private static object? Read(object? owner, string property)
    {
        for (Type? type = owner?.GetType(); type is not null; type = type.BaseType)
        {
            if (type.GetProperty(property, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly) is { } found)
            {
                return found.GetValue(owner);
            }
        }

        return null;
    }
}
