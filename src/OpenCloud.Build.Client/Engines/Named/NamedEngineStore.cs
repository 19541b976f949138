using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Engines.Named;

/// <summary>
/// The user's named engines: <c>opencloud.build/engines.json</c> in <c>$XDG_CONFIG_HOME</c>, or in <c>~/.config</c>. Only the user has access. The
/// file names certificates by their paths and contains no secret. It is replaced as a whole, by one process at a time.
/// </summary>
public sealed class NamedEngineStore
{
    private const int MostBytes = 1 << 20;
    private const uint GroupOrOthersWrite = 0x12; // 0022
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersDirectory = OwnersFile | UnixFileMode.UserExecute;
    private const int ExclusiveWithoutWaiting = 2 | 4;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>The store of an environment.</summary>
    /// <param name="getEnvironmentVariable">Reads an environment variable; null for the process's.</param>
    public NamedEngineStore(Func<string, string?>? getEnvironmentVariable = null)
    {
        getEnvironmentVariable ??= Environment.GetEnvironmentVariable;

        // A relative $XDG_CONFIG_HOME is invalid and ignored (XDG Base Directory Specification).
        string? directory = getEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } set && System.IO.Path.IsPathRooted(set) ? set
            : getEnvironmentVariable("HOME") is { Length: > 0 } home && System.IO.Path.IsPathRooted(home) ? System.IO.Path.Join(home, ".config")
            : null;
        Path = directory is null || !OperatingSystem.IsLinux() ? null : System.IO.Path.Join(directory, "opencloud.build", "engines.json");
    }

    /// <summary>The file; null when the environment names no home directory, or the system is not Linux.</summary>
    public string? Path { get; }

    /// <summary>All engines, sorted by name; none when the file does not exist.</summary>
    /// <exception cref="NamedEngineException">The file is damaged or not accessible, or other users can change it.</exception>
    public IReadOnlyList<BuildKitEngine> Read() => Path is null ? [] : Guarded(Path, () => ReadFile(Path));

    /// <summary>The engine with a name, in whatever case; null for none.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="NamedEngineException">The file is damaged or not accessible, or other users can change it.</exception>
    public BuildKitEngine? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Read().FirstOrDefault(e => IsSame(e.Name, name));
    }

    /// <summary>The default engine; null for none.</summary>
    /// <exception cref="NamedEngineException">The file is damaged or not accessible, or other users can change it.</exception>
    public BuildKitEngine? FindDefault() => Read().FirstOrDefault(static e => e.IsDefault);

    /// <summary>Checks whether an engine can be added.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="replace">Whether an engine with the same name is replaced.</param>
    /// <exception cref="NamedEngineException">The name is invalid or taken, or the file cannot be read.</exception>
    public void CheckNew(string name, bool replace) => CheckNew(Read(), name, replace);

    /// <summary>Adds an engine. A default one replaces the previous default.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="replace">Whether an engine with the same name is replaced.</param>
    /// <param name="cancellationToken">Ends the wait for another process that changes the file.</param>
    /// <exception cref="NamedEngineException">The name is invalid or taken, or the file cannot be changed.</exception>
    public void Add(BuildKitEngine engine, bool replace = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        Change(
            engines =>
            {
                CheckNew(engines, engine.Name, replace);
                return [.. engines.Where(e => !IsSame(e.Name, engine.Name)), engine];
            },
            () => engine,
            cancellationToken);
    }

    /// <summary>Changes an engine.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="change">From the engine as it is in the file to the new one.</param>
    /// <param name="cancellationToken">Ends the wait for another process that changes the file.</param>
    /// <returns>The changed engine.</returns>
    /// <exception cref="NamedEngineException">No engine has the name, or the file cannot be changed.</exception>
    public BuildKitEngine Update(string name, Func<BuildKitEngine, BuildKitEngine> change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(change);
        BuildKitEngine? changed = null;
        Change(engines => [.. engines.Select(e => IsSame(e.Name, name) ? changed = change(e) with { Name = e.Name } : e)], () => changed ?? throw NotFound(name), cancellationToken);
        return changed!;
    }

    /// <summary>Removes an engine.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Ends the wait for another process that changes the file.</param>
    /// <exception cref="NamedEngineException">No engine has the name, or the file cannot be changed.</exception>
    public void Remove(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        Change(engines => engines.Any(e => IsSame(e.Name, name)) ? [.. engines.Where(e => !IsSame(e.Name, name))] : throw NotFound(name), static () => null, cancellationToken);
    }

    private static void CheckNew(IReadOnlyList<BuildKitEngine> engines, string name, bool replace)
    {
        if (!BuildKitEngine.IsName(name))
        {
            throw new NamedEngineException(NamedEngineProblem.InvalidName, $"'{TerminalText.Bounded(TerminalText.Line(name), 80)}' is not a name for an engine.");
        }

        if (!replace && engines.Any(e => IsSame(e.Name, name)))
        {
            throw new NamedEngineException(NamedEngineProblem.Exists, $"An engine named '{name}' is already registered.");
        }
    }

    private static bool IsSame(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static NamedEngineException NotFound(string name) =>
        new(NamedEngineProblem.NotFound, $"No engine is registered with the name '{(BuildKitEngine.IsName(name) ? name : "?")}'.");

    private void Change(Func<IReadOnlyList<BuildKitEngine>, IReadOnlyList<BuildKitEngine>> change, Func<BuildKitEngine?> chosen, CancellationToken cancellationToken)
    {
        string path = Path ?? throw new NamedEngineException(
            NamedEngineProblem.FileNotAccessible, "The environment variables XDG_CONFIG_HOME and HOME name no absolute directory: there is no place for the file of named engines.");
        _ = Guarded(path, () =>
        {
            string directory = System.IO.Path.GetDirectoryName(path)!;
            CheckRoot(directory, "write");
            CreateDirectory(directory);
            using FileStream held = Hold(System.IO.Path.Join(directory, "engines.lock"), cancellationToken);
            IReadOnlyList<BuildKitEngine> engines = change(ReadFile(path));
            BuildKitEngine? last = chosen();
            if (last is { IsDefault: true })
            {
                engines = [.. engines.Select(e => e.IsDefault && e.Name != last.Name ? e with { IsDefault = false } : e)];
            }

            byte[] json = NamedEngineJson.Write([.. engines.OrderBy(static e => e.Name, StringComparer.OrdinalIgnoreCase)]);
            if (json.Length > MostBytes)
            {
                throw new NamedEngineException(NamedEngineProblem.FileInvalid, $"The file '{path}' would become larger than the limit of {MostBytes} bytes. Nothing was changed.");
            }

            // What this version could not read again is not written.
            _ = NamedEngineJson.Read(json, path);
            WholeFile.Write(new FileInfo(path).LinkTarget is null ? path : RealPaths.Resolve(path) ?? path, json, OwnersFile);
            return 0;
        });
    }

    private static void CreateDirectory(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            // An existing directory keeps its mode: it may be a link to one that others use.
            _ = Directory.CreateDirectory(path, OwnersDirectory);
            CheckTrust(path, FileStatus.Read(path, follow: true));
        }
    }

    /// <summary>For root, everything on the path that exists must belong to root, before anything is created there.</summary>
    private static void CheckRoot(string path, string what)
    {
        string existing = path;
        while (FileStatus.Read(existing) is null && System.IO.Path.GetDirectoryName(existing) is { Length: > 0 } parent)
        {
            existing = parent;
        }

        if (ProgramTrust.Applies && ProgramTrust.Objection(existing) is { } objection)
        {
            throw new NamedEngineException(NamedEngineProblem.FileNotTrusted, $"Root does not {what} the file of named engines in '{path}': {objection}");
        }
    }

    private static T Guarded<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not NamedEngineException)
        {
            throw new NamedEngineException(NamedEngineProblem.FileNotAccessible, $"The file of named engines '{path}' is not accessible: {e.Message}", e);
        }
    }

    private static IReadOnlyList<BuildKitEngine> ReadFile(string path)
    {
        // A link is followed: settings are often kept elsewhere. What counts is who can change the file that is read.
        using SafeFileHandle? file = BoundedFile.TryOpen(path, followLink: true);
        if (file is null)
        {
            return [];
        }

        CheckTrust(path, FileStatus.Of(DirectoryWalk.StatusOf(file, path)));
        string directory = System.IO.Path.GetDirectoryName(path)!;
        CheckTrust(directory, FileStatus.Read(directory, follow: true));
        if (ProgramTrust.Applies && ProgramTrust.Objection(path) is { } objection)
        {
            throw new NamedEngineException(NamedEngineProblem.FileNotTrusted, $"Root does not read the file of named engines '{path}': {objection}");
        }

        return NamedEngineJson.Read(BoundedFile.ReadAll(file, path, MostBytes, CancellationToken.None), path);
    }

    private static void CheckTrust(string path, FileStatus? status)
    {
        if (status is not null && ((status.Mode & GroupOrOthersWrite) != 0 || (status.Uid != 0 && status.Uid != LinuxCalls.EffectiveUserId)))
        {
            throw new NamedEngineException(NamedEngineProblem.FileNotTrusted, $"Other users can change '{path}': it is not used.");
        }
    }

    private static FileStream Hold(string path, CancellationToken cancellationToken)
    {
        long begun = Environment.TickCount64;
        FileStream file = OwnFile.Open(path, OwnersFile);
        while (LinuxCalls.Lock(DirectoryWalk.Number(file.SafeFileHandle), ExclusiveWithoutWaiting) != 0)
        {
            if (LinuxCalls.LastError is not (LinuxCalls.TryAgain or LinuxCalls.Interrupted) || Environment.TickCount64 - begun > LongestWait.TotalMilliseconds)
            {
                file.Dispose();
                throw new NamedEngineException(NamedEngineProblem.FileNotAccessible, $"Another process has locked '{path}' for {LongestWait.TotalSeconds:0} s. Nothing was changed.");
            }

            if (cancellationToken.WaitHandle.WaitOne(Poll))
            {
                file.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        return file;
    }
}
