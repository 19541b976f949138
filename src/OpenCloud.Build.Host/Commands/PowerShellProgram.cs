using System.Reflection;

namespace OpenCloud.Build.Host.Commands;

/// <summary>Determines how to start this PowerShell again in another environment, such as root behind sudo.</summary>
internal static class PowerShellProgram
{
    private const string EntryName = "pwsh.dll";
    private const string Manifest = "OpenCloud.Build.psd1";

    /// <summary>The command words: full paths where known, so neither PATH nor DOTNET_ROOT is needed.</summary>
    public static IReadOnlyList<string> Words { get; } = Find(
        Environment.ProcessPath, Assembly.GetEntryAssembly()?.Location, typeof(object).Assembly.Location, File.Exists);

    /// <summary>The manifest of the module this assembly belongs to; null when it is used without the module.</summary>
    public static string? ModuleManifest { get; } = FindManifest(typeof(PowerShellProgram).Assembly.Location, File.Exists);

    /// <summary>Determines the words from the running program, its entry assembly and the runtime's core library.</summary>
    internal static IReadOnlyList<string> Find(string? process, string? entry, string coreLibrary, Func<string, bool> exists)
    {
        // The .NET tool's launcher finds the runtime by DOTNET_ROOT and then runs 'dotnet pwsh.dll', with dotnet from PATH: sudo keeps
        // neither. dotnet itself finds the runtime beside it, in shared/Microsoft.NETCore.App/VERSION.
        if (entry is not null && Path.GetFileName(entry) == EntryName
            && Path.GetDirectoryName(coreLibrary) is { Length: > 0 } runtime && runtime != Path.GetDirectoryName(entry))
        {
            string dotnet = Path.GetFullPath(Path.Combine(runtime, "../../../dotnet"));
            if (exists(dotnet))
            {
                return [dotnet, entry];
            }
        }

        // The archive and the packages place the runtime beside an executable. Another program that hosts PowerShell cannot start a shell.
        return process is not null && Path.GetFileName(process).StartsWith("pwsh", StringComparison.Ordinal) ? [process] : ["pwsh"];
    }

    /// <summary>Finds the manifest from the assembly's path: bin/OpenCloud.Build, or its folder for one processor.</summary>
    internal static string? FindManifest(string assembly, Func<string, bool> exists)
    {
        string? folder = Path.GetDirectoryName(assembly);
        for (int level = 0; level < 2 && folder is not null; level++, folder = Path.GetDirectoryName(folder))
        {
            if (folder.EndsWith("/bin/OpenCloud.Build", StringComparison.Ordinal))
            {
                string manifest = Path.Combine(folder[..^"/bin/OpenCloud.Build".Length], Manifest);
                return exists(manifest) ? manifest : null;
            }
        }

        return null;
    }
}
