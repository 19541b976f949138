using System.Management.Automation;
using System.Reflection;

namespace OpenCloud.Build.Loader;

/// <summary>
/// Gives the cmdlets and aliases of an imported assembly to the module whose script calls it, where PowerShell has not done so.
/// OpenCloud.Build.psm1 alone calls it.
/// </summary>
/// <remarks>
/// The second import of an assembly in one session takes a module that PowerShell has cached and does not give its cmdlets to the
/// module that asked (PowerShell/PowerShell#20710). There is no public way to do so.
/// </remarks>
[Cmdlet(VerbsLifecycle.Register, "OpenCloudBuildCmdlet")]
public sealed class RegisterBuildCmdletCommand : PSCmdlet
{
    /// <summary>The module that importing the assembly gave.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    public PSModuleInfo? Module { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        PSModuleInfo target = SessionState.Module;
        if (target.ExportedCmdlets.Count == 0)
        {
            Give(target, "AddExportedCmdlet", Module!.ExportedCmdlets.Values);
        }

        if (target.ExportedAliases.Count == 0)
        {
            Give(target, "AddExportedAlias", Module!.ExportedAliases.Values);
        }
    }

    private static void Give(PSModuleInfo target, string method, IEnumerable<CommandInfo> commands)
    {
        MethodInfo? register = typeof(PSModuleInfo).GetMethod(method, BindingFlags.Instance | BindingFlags.NonPublic);
        if (register is null)
        {
            return;
        }

        foreach (CommandInfo command in commands)
        {
            register.Invoke(target, [command]);
        }
    }
}
