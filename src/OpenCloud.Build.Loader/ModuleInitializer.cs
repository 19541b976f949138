using System.Management.Automation;
using System.Reflection;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Loader;

/// <summary>Loads the module's assemblies into their own load context. PowerShell calls it when it imports the manifest's first nested module.</summary>
/// <remarks>
/// The manifest's second nested module is a copy of this file. PowerShell looks in a cache of its own before it loads a file, and this class puts the
/// assembly with the cmdlets there, so that the copy's path stands for that assembly. It needs no script and no pipeline, which cost 170 methods that
/// PowerShell compiles at each import. The cache has no public API; without it, the assembly is imported with a pipeline.
/// </remarks>
public sealed class ModuleInitializer : IModuleAssemblyInitializer
{
    /// <summary>The second nested module of the manifest, beside it.</summary>
    private const string StandIn = "OpenCloud.Build.dll";

    /// <inheritdoc/>
    public void OnImport()
    {
        if (!OperatingSystem.IsLinux())
        {
            PlatformNotSupportedException refusal = new(
                $"OpenCloud.Build works on Linux only; this is {RuntimeInformation.OSDescription}. On Windows, use it inside WSL 2.");
            throw Refusal(refusal, "PlatformNotSupported", ErrorCategory.NotImplemented);
        }

        ImportingEngine? engine = ImportingEngine.Find();
        string root = engine?.Module.ModuleBase ?? Path.GetDirectoryName(typeof(ModuleInitializer).Assembly.Location)!;
        string folder = Path.Join(root, "bin", "OpenCloud.Build");
        if (!ModuleLoadContext.HasModule(folder))
        {
            FileNotFoundException refusal = new(
                $"OpenCloud.Build is not built: '{folder}/OpenCloud.Build.dll' is missing. Run './build.sh build' in '{root}', then import it again.");
            throw Refusal(refusal, "ModuleNotBuilt", ErrorCategory.ObjectNotFound);
        }

        // A release build contains the assemblies a second time, compiled ahead of time for its processor.
        string ahead = Path.Join(folder, RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant());
        if (ModuleLoadContext.HasModule(ahead))
        {
            folder = ahead;
        }

        Assembly assembly = ModuleLoadContext.Load(folder, out bool isOutdated);
        if (engine is null)
        {
            ImportInPipeline(assembly);
            return;
        }

        engine.Assemblies[$"{engine.Module.Name}@{Path.Join(root, StandIn)}"] = assembly;
        if (isOutdated)
        {
            engine.Command?.WriteWarning("OpenCloud.Build was built again after this session loaded it. Start a new session to use the new build.");
        }
    }

    // PowerShell imports an assembly once in a runspace, and later imports get no cmdlets (PowerShell/PowerShell#20710): what it has goes first.
    private static void ImportInPipeline(Assembly assembly)
    {
        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        shell.AddCommand("Import-Module").AddParameter("Assembly", new[] { assembly }).AddParameter("PassThru").AddCommand("Remove-Module").AddParameter("Force");
        shell.AddStatement().AddCommand("Import-Module").AddParameter("Assembly", new[] { assembly }).Invoke();
    }

    // Like a throw statement in a script, which ends an import.
    private static RuntimeException Refusal(Exception exception, string id, ErrorCategory category) =>
        new(exception.Message, exception, new ErrorRecord(exception, id, category, null)) { WasThrownFromThrowStatement = true };
}
