
namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>A disk that takes less than is written to it: one that is full, or one that fails only when what was written has to reach it.</summary>
internal sealed class BadDisk : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ocb-disk-");
    private readonly Stack<string> _mounts = new();

    private BadDisk()
    {
    }

    /// <summary>A folder on it.</summary>
    public string Path { get; private set; } = string.Empty;

    /// <summary>What a write to it, or the wait for it, ends with in the words of the C library.</summary>
    public IReadOnlyList<string> Stories { get; private init; } = [];

    /// <summary>Whether it still takes deletions.</summary>
    public bool TakesDeletions { get; private init; }

    /// <summary>A disk of some MiB. A write beyond that fails at once.</summary>
    public static async Task<BadDisk> FullAsync(int mebibytes)
    {
        BadDisk disk = new() { Stories = ["No space left on device"], TakesDeletions = true };
        try
        {
            disk.Path = await disk.MountAsync("full", "tmpfs", "tmpfs", $"size={mebibytes}m");
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// A disk of 64 MiB whose own store has room for some only: the kernel takes every write, and the wait for the disk fails: with what its
    /// store said, with EIO, or with EROFS where the kernel had given it up before.
    /// </summary>
    public static async Task<BadDisk> FailingAsync(int mebibytes)
    {
        BadDisk disk = new() { Stories = ["Input/output error", "Read-only file system", "No space left on device"] };
        try
        {
            string store = await disk.MountAsync("store", "tmpfs", "tmpfs", $"size={mebibytes}m");
            string image = System.IO.Path.Combine(store, "image");
            await using (FileStream file = File.Create(image))
            {
                file.SetLength(64 << 20);
            }

            (await Command.RunAsync("mkfs.ext4", ["-q", "-F", image])).Succeeded();
            disk.Path = await disk.MountAsync("disk", "ext4", image, "loop");
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>The files below it whose names are not those of the build's result.</summary>
    public IEnumerable<string> Leftovers() => Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories)
        .Select(System.IO.Path.GetFileName)
        .Where(static n => n!.Contains("incoming", StringComparison.Ordinal) || n.StartsWith("index.json.", StringComparison.Ordinal))!;

    public async ValueTask DisposeAsync()
    {
        while (_mounts.TryPop(out string? mounted))
        {
            (await Command.RunAsync("umount", ["-l", mounted])).Succeeded();
        }

        _folder.Delete(recursive: true);
    }

    private async Task<string> MountAsync(string name, string type, string source, string options)
    {
        Assert.SkipUnless(Environment.UserName == "root", "mounting a disk needs root");
        string place = _folder.CreateSubdirectory(name).FullName;
        (await Command.RunAsync("mount", ["-t", type, "-o", options, source, place])).Succeeded();
        _mounts.Push(place);
        return place;
    }
}
