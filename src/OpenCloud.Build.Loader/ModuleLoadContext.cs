using System.Reflection;
using System.Runtime.Loader;

namespace OpenCloud.Build.Loader;

/// <summary>
/// The load context of one copy of the module. Its cmdlets and all their dependencies are loaded here, so that their versions do not conflict with
/// those of PowerShell or of other modules.
/// </summary>
/// <remarks>
/// This assembly is the only one of the module in the default context. A session loads it once, from whichever copy is imported
/// first, and it then serves every other copy and version: <see cref="ModuleInitializer"/> never changes.
/// </remarks>
internal sealed class ModuleLoadContext : AssemblyLoadContext
{
    private const string MainAssembly = "OpenCloud.Build";

    private static readonly Dictionary<string, ModuleLoadContext> Contexts = new(StringComparer.Ordinal);

    private readonly string _directory;
    private readonly Assembly _main;
    private readonly DateTime _written;

    private ModuleLoadContext(string directory)
        : base($"{MainAssembly} ({directory})", isCollectible: false)
    {
        string path = Path.Join(directory, MainAssembly + ".dll");
        _directory = directory;
        _written = File.GetLastWriteTimeUtc(path);
        _main = LoadFromAssemblyPath(path);
    }

    public static bool HasModule(string directory) => File.Exists(Path.Join(directory, MainAssembly + ".dll"));

    /// <summary>Loads the module in a directory, or finds it when the session has loaded it before.</summary>
    /// <remarks><c>isOutdated</c>: the files are newer than the loaded ones. .NET cannot unload these, so the session keeps them.</remarks>
    /// <exception cref="FileNotFoundException">The folder has no OpenCloud.Build.dll.</exception>
    public static Assembly Load(string directory, out bool isOutdated)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);

        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        // Failed loads are not kept, so that a later build is found.
        lock (Contexts)
        {
            if (!Contexts.TryGetValue(full, out ModuleLoadContext? context))
            {
                context = new(full);
                Contexts.Add(full, context);
            }

            isOutdated = File.GetLastWriteTimeUtc(Path.Join(full, MainAssembly + ".dll")) != context._written;
            return context._main;
        }
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        ArgumentNullException.ThrowIfNull(assemblyName);

        // What the module does not bring (the framework, System.Management.Automation) comes from the default context.
        string path = Path.Join(_directory, assemblyName.Name + ".dll");
        return assemblyName.Name != typeof(ModuleLoadContext).Assembly.GetName().Name && File.Exists(path)
            ? LoadFromAssemblyPath(path)
            : null;
    }
}
