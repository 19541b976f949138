namespace OpenCloud.Build.Bench;

/// <summary>The run's folder, removed with all that is in it when the run ends.</summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string SharedMemory = "/dev/shm";

    // 1 GiB of context, the engine's copy of it and what COPY makes of that, and as much again to breathe.
    private const long NeededBytes = 6L << 30;

    /// <summary>Makes it, in memory where there is room: creating files on a disk varies more than what is measured.</summary>
    public ScratchFolder()
    {
        IsInMemory = Directory.Exists(SharedMemory) && new DriveInfo(SharedMemory).AvailableFreeSpace >= NeededBytes;
        string parent = IsInMemory ? SharedMemory : System.IO.Path.GetTempPath();
        Path = System.IO.Path.Join(parent, $"ocb-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Where it is; short, as sockets are made in it.</summary>
    public string Path { get; }

    /// <summary>Is it in memory?</summary>
    public bool IsInMemory { get; }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
