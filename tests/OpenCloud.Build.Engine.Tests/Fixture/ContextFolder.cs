namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>A folder for a build's context, in memory where there is room, removed at the end.</summary>
public sealed class ContextFolder : IDisposable
{
    private const string SharedMemory = "/dev/shm";

    // The largest context of the tests is 1 GiB, and an engine keeps its copy in memory, too.
    private const long RoomNeeded = 3L << 30;

    /// <summary>Makes an empty folder with mode 0755.</summary>
    public ContextFolder()
    {
        string parent = Directory.Exists(SharedMemory) && new DriveInfo(SharedMemory).AvailableFreeSpace > RoomNeeded
            ? SharedMemory
            : System.IO.Path.GetTempPath();
        Path = System.IO.Path.Combine(parent, "ocb-context-" + Guid.NewGuid().ToString("n")[..8]);
        Directory.CreateDirectory(Path, ToMode("755"));
    }

    /// <summary>Its absolute path.</summary>
    public string Path { get; }

    /// <summary>Makes a folder with a Dockerfile and busybox as <c>busybox</c>, mode 0755. Skips where busybox cannot be had.</summary>
    /// <param name="dockerfile">The Dockerfile's text.</param>
    public static async Task<ContextFolder> CreateAsync(string dockerfile)
    {
        string busybox = await EngineFixture.GetBusyboxAsync();
        ContextFolder folder = new();
        folder.Write("Dockerfile", dockerfile);
        File.Copy(busybox, folder.At("busybox"));
        File.SetUnixFileMode(folder.At("busybox"), ToMode("755"));
        return folder;
    }

    /// <summary>The absolute path of a name in the folder.</summary>
    public string At(string name)
    {
        return System.IO.Path.Combine(Path, name);
    }

    /// <summary>Writes a text file, with the directories above it.</summary>
    /// <param name="name">Its path, relative to the folder.</param>
    /// <param name="text">Its text.</param>
    /// <param name="mode">Its mode in octal digits, set-id and sticky bits included.</param>
    public void Write(string name, string text, string mode = "644")
    {
        Write(name, System.Text.Encoding.UTF8.GetBytes(text), mode);
    }

    /// <inheritdoc cref="Write(string, string, string)"/>
    /// <param name="name">Its path, relative to the folder.</param>
    /// <param name="bytes">Its content.</param>
    /// <param name="mode">Its mode in octal digits, set-id and sticky bits included.</param>
    public void Write(string name, ReadOnlySpan<byte> bytes, string mode = "644")
    {
        string path = At(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        File.SetUnixFileMode(path, ToMode(mode));
    }

    /// <summary>Removes the folder and what is in it.</summary>
    public void Dispose()
    {
        Directory.Delete(Path, recursive: true);
    }

    private static UnixFileMode ToMode(string octal)
    {
        return (UnixFileMode)Convert.ToInt32(octal, 8);
    }
}
