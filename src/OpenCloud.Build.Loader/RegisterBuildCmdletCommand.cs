using System.Collections.Concurrent;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Reflection;
using System.Runtime.CompilerServices;

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
    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic;
    private const string TypeFile = "OpenCloud.Build.Types.ps1xml";

    private static readonly ConditionalWeakTable<Runspace, string> WithTypes = [];

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

        LoadTypes(Path.Join(target.ModuleBase, TypeFile));
    }

    // Not by the manifest: PowerShell takes no second definition of a member, so a second copy of the module could not be imported.
    private void LoadTypes(string file)
    {
        if (!WithTypes.TryAdd(Runspace.DefaultRunspace, file))
        {
            return;
        }

        // Update-TypeData does the same, and has PowerShell compile 200 methods for it.
        object? context = typeof(Cmdlet).BaseType!.GetProperty("Context", Hidden)?.GetValue(this);
        object? table = context?.GetType().GetProperty("TypeTable", Hidden)?.GetValue(context);
        object? authorization = context?.GetType().GetProperty("AuthorizationManager", Hidden)?.GetValue(context);
        MethodInfo? update = table?.GetType().GetMethod(
            "Update", Hidden, [typeof(string), typeof(string), typeof(ConcurrentBag<string>), typeof(AuthorizationManager), typeof(PSHost), typeof(bool).MakeByRefType()]);
        if (update is null || authorization is null)
        {
            using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
            shell.AddCommand("Microsoft.PowerShell.Utility\\Update-TypeData").AddParameter("AppendPath", file).AddParameter("WhatIf", false).AddParameter("Confirm", false).Invoke();
            return;
        }

        ConcurrentBag<string> errors = [];
        update.Invoke(table, ["OpenCloud.Build", file, errors, authorization, Host, false]);
        foreach (string error in errors)
        {
            WriteWarning(error);
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
