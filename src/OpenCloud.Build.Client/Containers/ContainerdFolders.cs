using OpenCloud.Build.Client.Containers.Runtime;

namespace OpenCloud.Build.Client.Containers;

/// <summary>
/// The folders of this machine that containers of containerd use: <c>containers/NAME/run</c> with the socket of the engine,
/// <c>containers/NAME/ID.log</c>, and <c>volumes/NAME/data</c>, beside which the file <c>engine</c> says whose it is. They are not below /run: after
/// a restart of the machine containerd starts the containers again, and needs the folders.
/// </summary>
internal sealed class ContainerdFolders
{
    /// <summary>The variable with another folder.</summary>
    public const string Variable = "OPENCLOUD_BUILD_CONTAINERS";

    private const string DefaultBase = "/var/lib/opencloud-build";
    private const string Socket = "buildkitd.sock";
    private const int LongestName = 256;

    // unix(7): the length of sun_path, with the zero at its end.
    private const int LongestSocket = 107;
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int ExclusiveWithoutWaiting = 2 | 4;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly string _base;

    public ContainerdFolders(Func<string, string?> getVariable)
    {
        string? chosen = getVariable(Variable);
        _base = string.IsNullOrEmpty(chosen) ? DefaultBase : Path.TrimEndingDirectorySeparator(Path.GetFullPath(chosen));
    }

    public string SocketOf(string engine) => Path.Join(RunOf(engine), Socket);

    public string RunOf(string engine) => Path.Join(_base, "containers", engine, "run");

    public string LogOf(string engine, string id) => Path.Join(_base, "containers", engine, id + ".log");

    public string DataOf(string volume) => Path.Join(_base, "volumes", volume, "data");

    /// <summary>Checks that this user and no other can change the folders, and that the socket of an engine has a valid path.</summary>
    /// <exception cref="BuildKitContainerException">They cannot be used.</exception>
    public void Check(string engine)
    {
        if (LinuxCalls.EffectiveUserId != 0)
        {
            throw Unusable("Only root can create, change and remove engines as containers of containerd: their folders belong to root.");
        }

        if (OwnedFolders.Objection(_base) is { } objection)
        {
            throw Unusable($"The folder '{_base}' is not used: {objection} Nothing was changed.");
        }

        if (SocketOf(engine).Length > LongestSocket)
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.InvalidName, $"Invalid name of a container: the path of its socket, '{SocketOf(engine)}', has more than {LongestSocket} characters. Nothing was sent.");
        }
    }

    /// <summary>Creates the folders of an engine.</summary>
    public void CreateEngine(string engine) => Create(RunOf(engine));

    /// <summary>Removes the log of a container, and the folders of the engine unless another container uses them.</summary>
    public void RemoveEngine(string engine, string id, bool isUsed)
    {
        if (isUsed)
        {
            WholeFile.Remove(LogOf(engine, id));
        }
        else
        {
            Remove(Path.Join(_base, "containers", engine));
        }
    }

    public HostedVolume? FindVolume(string name)
    {
        string folder = Path.Join(_base, "volumes", name);
        if (FileStatus.Read(folder) is null)
        {
            return null;
        }

        string owner = Path.Join(folder, "engine");
        if (FileStatus.Read(owner) is { Type: InodeType.Regular, Uid: 0 })
        {
            return new HostedVolume(BoundedFile.TryReadText(owner, LongestName)?.Trim());
        }

        // A run that ended while it created the volume left an empty folder.
        return FileStatus.Read(folder) is { Type: InodeType.Directory, Uid: 0 } && !Directory.EnumerateFileSystemEntries(folder).Any() ? null : new HostedVolume(null);
    }

    public void CreateVolume(string name, string engine)
    {
        string folder = Path.Join(_base, "volumes", name);
        Create(folder);
        WholeFile.Write(Path.Join(folder, "engine"), engine + "\n", OwnersFile);
        Create(DataOf(name));
    }

    /// <summary>Removes a volume; its data go first, so that a removal which fails can be repeated.</summary>
    public void RemoveVolume(string name)
    {
        Remove(DataOf(name));
        Remove(Path.Join(_base, "volumes", name));
    }

    /// <summary>Waits until no other run gives names to containers, and keeps them out until the lock is disposed of.</summary>
    public async Task<IDisposable> LockAsync(CancellationToken cancellationToken)
    {
        Create(_base);
        string path = Path.Join(_base, "containers.lock");
        FileStream file = OwnFile.Open(path, OwnersFile);
        try
        {
            long begun = Environment.TickCount64;
            while (LinuxCalls.Lock(DirectoryWalk.Number(file.SafeFileHandle), ExclusiveWithoutWaiting) != 0)
            {
                if (Environment.TickCount64 - begun > LongestWait.TotalMilliseconds)
                {
                    throw new IOException($"Another run has locked '{path}' for {LongestWait.TotalSeconds:0} s.");
                }

                await Task.Delay(50, cancellationToken).ConfigureAwait(false);
            }

            return file;
        }
        catch
        {
            await file.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static void Create(string path)
    {
        try
        {
            OwnedFolders.Create(path);
        }
        catch (UnauthorizedAccessException e)
        {
            throw Unusable($"The folder '{path}' is not used: {e.Message}", e);
        }
    }

    private static void Remove(string path)
    {
        // Of a missing folder, nothing is left to judge.
        if (FileStatus.Read(path) is not null)
        {
            TreeRemoval.Remove(path, static folder => folder.Uid == 0);
        }
    }

    private static BuildKitContainerException Unusable(string message, Exception? inner = null) => new(BuildKitContainerProblem.FolderUnusable, message, inner);
}
