using System.Management.Automation;
using System.Reflection;

namespace OpenCloud.Build.Loader;

/// <summary>
/// On the second import of an assembly in one session, PowerShell uses a cached module and does not give its cmdlets to the importing module
/// (PowerShell/PowerShell#20710). This class does. There is no public API for it.
/// </summary>
internal static class CachedModule
{
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
