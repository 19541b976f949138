using System.Reflection;

namespace OpenCloud.Build.Host.Commands;

/// <summary>How this PowerShell is started again by somebody with another environment, such as root behind sudo.</summary>
internal static class PowerShellProgram
{
    private const string EntryName = "pwsh.dll";
    private const string Manifest = "OpenCloud.Build.psd1";

    /// <summary>The words that start it: full paths where they are known, so that neither PATH nor DOTNET_ROOT is needed.</summary>
    public static IReadOnlyList<string> Words { get; } = Find(
        Environment.ProcessPath, Assembly.GetEntryAssembly()?.Location, typeof(object).Assembly.Location, File.Exists);

    /// <summary>The manifest of the module this assembly belongs to; null when it is used without the module.</summary>
    public static string? ModuleManifest { get; } = FindManifest(typeof(PowerShellProgram).Assembly.Location, File.Exists);

    /// <summary>The words, from what the process knows of itself.</summary>
    /// <param name="process">The program that runs.</param>
    /// <param name="entry">The assembly it began with.</param>
    /// <param name="coreLibrary">The runtime's own assembly.</param>
    /// <param name="exists">Whether a file exists.</param>
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

        // The archive and the packages bring the runtime beside an executable. Another program that hosts PowerShell starts no shell.
        return process is not null && Path.GetFileName(process).StartsWith("pwsh", StringComparison.Ordinal) ? [process] : ["pwsh"];
    }

    /// <summary>The manifest, from where the assembly lies: bin/OpenCloud.Build, or the folder for one processor in it.</summary>
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
