using System.Management.Automation;
using System.Reflection;
using System.Runtime.InteropServices;

namespace OpenCloud.Build.Loader;

/// <summary>Returns the assembly with the module's cmdlets, in its own load context. Only OpenCloud.Build.psm1 calls it.</summary>
/// <remarks>
/// A cmdlet, not a method that the script calls: PowerShell compiles code at run time for each method call, which took a third of an import's time. Only
/// one cmdlet, because each costs some 50 compiled methods. The first copy of the module in a session serves the others: the cmdlet keeps its name.
/// </remarks>
[Cmdlet(VerbsCommon.Get, "OpenCloudBuildAssembly")]
[OutputType(typeof(Assembly))]
public sealed class GetBuildAssemblyCommand : PSCmdlet
{
    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (!OperatingSystem.IsLinux())
        {
            PlatformNotSupportedException refusal = new(
                $"OpenCloud.Build works on Linux only; this is {RuntimeInformation.OSDescription}. On Windows, use it inside WSL 2.");
            throw Refusal(refusal, "PlatformNotSupported", ErrorCategory.NotImplemented);
        }

        string root = SessionState.Module.ModuleBase;
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

        Assembly assembly = ModuleLoadContext.Load(folder, out bool isFirst, out bool isOutdated);
        if (isOutdated)
        {
            WriteWarning("OpenCloud.Build was built again after this session loaded it. Start a new session to use the new build.");
        }

        TypeDefinitions.Load(this);
        if (!isFirst)
        {
            CachedModule.GiveTo(SessionState.Module, assembly);
        }

        WriteObject(assembly);
    }

    // Like a throw statement in the module's script, which ends an import. Any other error of a cmdlet only ends its pipeline and leaves a module
    // without cmdlets.
    private static RuntimeException Refusal(Exception exception, string id, ErrorCategory category) =>
        new(exception.Message, exception, new ErrorRecord(exception, id, category, null)) { WasThrownFromThrowStatement = true };
}
