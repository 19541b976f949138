using System.Management.Automation;
using System.Reflection;

namespace OpenCloud.Build.Loader;

/// <summary>
/// The second import of an assembly in one session takes a module that PowerShell has cached and does not give its cmdlets to the
/// module that asked (PowerShell/PowerShell#20710). This does. There is no public way to do so.
/// </summary>
internal static class CachedModule
{
    /// <summary>Gives the cmdlets and aliases of an assembly that this session has imported before to a module.</summary>
    public static void GiveTo(PSModuleInfo target, Assembly assembly)
    {
        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        shell.AddCommand("Import-Module").AddParameter("Assembly", new[] { assembly }).AddParameter("PassThru");
        foreach (PSObject result in shell.Invoke())
        {
            if (result.BaseObject is PSModuleInfo imported)
            {
                Give(target, "AddExportedCmdlet", target.ExportedCmdlets.Count, imported.ExportedCmdlets.Values);
                Give(target, "AddExportedAlias", target.ExportedAliases.Count, imported.ExportedAliases.Values);
            }
        }
    }

    private static void Give(PSModuleInfo target, string method, int already, IEnumerable<CommandInfo> commands)
    {
        if (already == 0 && typeof(PSModuleInfo).GetMethod(method, BindingFlags.Instance | BindingFlags.NonPublic) is { } give)
        {
            foreach (CommandInfo command in commands)
            {
                give.Invoke(target, [command]);
            }
        }
    }
}
