using System.Collections.Concurrent;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Loader;

/// <summary>
/// Loads the module's type definitions once per session. The manifest does not: PowerShell rejects a second definition of a member, so a second copy
/// of the module could not be imported.
/// </summary>
internal static class TypeDefinitions
{
    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic;
    private const string TypeFile = "OpenCloud.Build.Types.ps1xml";

    private static readonly ConditionalWeakTable<Runspace, string> WithTypes = [];

    public static void Load(PSCmdlet cmdlet)
    {
        string file = Path.Join(cmdlet.SessionState.Module.ModuleBase, TypeFile);
        if (!WithTypes.TryAdd(Runspace.DefaultRunspace, file))
        {
            return;
        }

        // Update-TypeData does the same, but makes PowerShell compile 200 methods.
        object? context = typeof(Cmdlet).BaseType!.GetProperty("Context", Hidden)?.GetValue(cmdlet);
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
        update.Invoke(table, ["OpenCloud.Build", file, errors, authorization, cmdlet.Host, false]);
        foreach (string error in errors)
        {
            cmdlet.WriteWarning(error);
        }
    }
}
