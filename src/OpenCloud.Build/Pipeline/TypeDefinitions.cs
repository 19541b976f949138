using System.Collections.Concurrent;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Pipeline;

/// <summary>
/// Loads the module's type definitions when the first of its cmdlets runs in a session. The manifest does not: that would take a third of an import's
/// time, and PowerShell rejects a second definition of a member, so a second copy of the module could not be imported.
/// </summary>
internal static class TypeDefinitions
{
    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic;
    private const string TypeFile = "OpenCloud.Build.Types.ps1xml";

    // Copies of the module share no static fields.
    private static readonly ConditionalWeakTable<Runspace, string> WithTypes = Shared();

    private static readonly string? Definitions = Find();

    public static void Load(PSCmdlet cmdlet)
    {
        if (Definitions is not { } file || Runspace.DefaultRunspace is not { } session || !WithTypes.TryAdd(session, file))
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

    private static ConditionalWeakTable<Runspace, string> Shared()
    {
        const string Name = "OpenCloud.Build.TypeDefinitions";
        lock (typeof(Runspace))
        {
            if (AppDomain.CurrentDomain.GetData(Name) is ConditionalWeakTable<Runspace, string> known)
            {
                return known;
            }

            ConditionalWeakTable<Runspace, string> sessions = [];
            AppDomain.CurrentDomain.SetData(Name, sessions);
            return sessions;
        }
    }

    // The assembly is in bin/OpenCloud.Build below the manifest, or in a folder there for one processor.
    private static string? Find()
    {
        DirectoryInfo? folder = Directory.GetParent(typeof(TypeDefinitions).Assembly.Location);
        for (int above = 0; folder is not null && above <= 3; above++, folder = folder.Parent)
        {
            string file = Path.Join(folder.FullName, TypeFile);
            if (File.Exists(file))
            {
                return file;
            }
        }

        return null;
    }
}
