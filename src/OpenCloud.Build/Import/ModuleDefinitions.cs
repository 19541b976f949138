using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Import;

/// <summary>Gives a runspace the module's types and views. PowerShell calls it when it imports this assembly.</summary>
/// <remarks>
/// The manifest does not name the files, although it could: PowerShell then loads the views of everything a second time, compiles 200 methods to read the
/// files, and rejects a type that a second copy of the module brings.
/// </remarks>
public sealed class ModuleDefinitions : IModuleAssemblyInitializer
{
    private const string TypeFile = "OpenCloud.Build.Types.ps1xml";

    private static readonly string[] ViewFileNames = ["OpenCloud.Build.Format.ps1xml", "OpenCloud.Build.Host.Format.ps1xml", "OpenCloud.Build.Stores.Format.ps1xml"];

    private static readonly ConditionalWeakTable<Runspace, string> WithDefinitions = [];

    /// <inheritdoc/>
    public void OnImport()
    {
        Runspace runspace = Runspace.DefaultRunspace;
        if (runspace is null)
        {
            return;
        }

        string root = FindRoot();
        string[] files = Array.ConvertAll(ViewFileNames, file => Path.Join(root, file));
        InitialSessionState state = runspace.InitialSessionState;
        // The runspaces of a pool share the state, and can import the module at once.
        lock (state)
        {
            EngineTables? tables = EngineTables.Find(runspace);
            bool isInState = ViewFiles.Has(state, files[0]);
            if (!(tables?.HasViews(files[0]) ?? (isInState && WithDefinitions.TryGetValue(runspace, out _))))
            {
                AddTypes(tables, TypeDefinitions.Read(Path.Join(root, TypeFile)), isInState);
                AddViews(tables, files, state);
                WithDefinitions.AddOrUpdate(runspace, root);
            }
        }
    }

    private static void AddTypes(EngineTables? tables, List<TypeData> types, bool isInState)
    {
        if (tables?.TryAddTypes(types, isInState) != true)
        {
            using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
            shell.AddCommand("Microsoft.PowerShell.Utility\\Update-TypeData").AddParameter("TypeData", types.ToArray());
            shell.AddParameter("Force").AddParameter("WhatIf", false).AddParameter("Confirm", false).Invoke();
        }
    }

    private static void AddViews(EngineTables? tables, string[] files, InitialSessionState state)
    {
        if (tables?.TryAddViews(files) != true)
        {
            ViewFiles.RemoveCopies(state, files);
            using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
            shell.AddCommand("Microsoft.PowerShell.Utility\\Update-FormatData").AddParameter("AppendPath", Array.ConvertAll(files, WildcardPattern.Escape));
            shell.AddParameter("WhatIf", false).AddParameter("Confirm", false).Invoke();
        }
    }

    // The assembly is below the manifest's folder: in bin/OpenCloud.Build, or in a folder there for one processor.
    private static string FindRoot()
    {
        string? folder = Path.GetDirectoryName(typeof(ModuleDefinitions).Assembly.Location);
        while (folder is not null && !File.Exists(Path.Join(folder, TypeFile)))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new FileNotFoundException($"The module is not complete: '{TypeFile}' is missing.");
    }
}
