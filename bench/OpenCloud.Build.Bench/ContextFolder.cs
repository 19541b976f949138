using System.Text.Json;

namespace OpenCloud.Build.Bench;

/// <summary>The contexts that are built.</summary>
internal enum ContextKind
{
    /// <summary>A file of a few bytes.</summary>
    Tiny,

    /// <summary>20,000 files of 4 KiB in 200 directories.</summary>
    ManyFiles,

    /// <summary>A file of 1 GiB.</summary>
    OneLargeFile,

    /// <summary>A bake file of 20 targets, whose context is that of <see cref="ManyFiles"/>, and of one that is the base of all.</summary>
    Graph,

    /// <summary>The same with a file of a few bytes.</summary>
    TinyGraph,

    /// <summary>No context at all: 5,000 images in a containerd, to be listed.</summary>
    Images,
}

/// <summary>A build context of files whose bytes do not compress, the same on every run, and a Dockerfile that copies them all.</summary>
internal sealed class ContextFolder
{
    private const int Directories = 200;
    private const int FilesPerDirectory = 100;
    private const int FileBytes = 4096;
    private const long LargeFileBytes = 1L << 30;
    private const int Targets = 20;
    private const string BakeFile = "docker-bake.json";

    // FROM scratch: nothing is fetched, and next to the transfer the engine has one copy to do. The image leaves the copy out, as
    // compressing 1 GiB of layer takes an engine longer than all the rest and says nothing about its clients.
    private const string Dockerfile = "FROM scratch AS context\nCOPY . /\nFROM scratch\nCOPY --from=context /Dockerfile /\n";

    // As above, and one file more than the base has.
    private const string TargetDockerfile = "FROM scratch AS files\nCOPY . /\nFROM base\nARG NUMBER\nCOPY --from=files /Target /target-$NUMBER\n";

    private readonly Random _random = new(20_000);
    private readonly ContextKind _kind;

    /// <summary>Writes the context into a new directory.</summary>
    public ContextFolder(string path, ContextKind kind)
    {
        Folder = path;
        _kind = kind;
        Directory.CreateDirectory(path);
        bool isGraph = kind is ContextKind.Graph or ContextKind.TinyGraph;
        Path = isGraph ? WriteGraph() : path;
        File.WriteAllText(System.IO.Path.Join(path, "Dockerfile"), Dockerfile);
        switch (kind)
        {
            case ContextKind.Tiny or ContextKind.TinyGraph:
                File.WriteAllText(System.IO.Path.Join(path, "hello.txt"), "hello\n");
                break;
            case ContextKind.ManyFiles or ContextKind.Graph:
                for (int directory = 0; directory < Directories; directory++)
                {
                    Directory.CreateDirectory(System.IO.Path.Join(path, $"d{directory:000}"));
                    for (int file = 0; file < FilesPerDirectory; file++)
                    {
                        WriteRandom(ManyFile(directory, file), FileBytes);
                    }
                }

                break;
            case ContextKind.OneLargeFile:
                WriteRandom(System.IO.Path.Join(path, "large.bin"), LargeFileBytes);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, null);
        }
    }

    /// <summary>The directory of its files.</summary>
    public string Folder { get; }

    /// <summary>What is built: the directory, or a bake file beside it.</summary>
    public string Path { get; }

    /// <summary>Whether what is built is a bake file.</summary>
    public static bool IsGraph(string path) => path.EndsWith(BakeFile, StringComparison.Ordinal);

    /// <summary>Removes it.</summary>
    public void Delete()
    {
        Directory.Delete(Folder, recursive: true);
        if (IsGraph(Path))
        {
            File.Delete(Path);
        }
    }

    /// <summary>The length of all its files, the Dockerfile left out.</summary>
    public long Bytes => _kind switch
    {
        ContextKind.Tiny or ContextKind.TinyGraph => 0,
        ContextKind.ManyFiles or ContextKind.Graph => (long)Directories * FilesPerDirectory * FileBytes,
        _ => LargeFileBytes,
    };

    /// <summary>Gives one file of many new content.</summary>
    public void ChangeOne()
    {
        if (_kind != ContextKind.ManyFiles)
        {
            throw new InvalidOperationException($"One file of {_kind} is all of it.");
        }

        WriteRandom(ManyFile(Directories / 2, FilesPerDirectory / 2), FileBytes);
    }

    private string WriteGraph()
    {
        File.WriteAllText(System.IO.Path.Join(Folder, "Target"), TargetDockerfile);
        Dictionary<string, object> targets = Enumerable.Range(1, Targets).ToDictionary(static i => $"target{i}", object (i) => new
        {
            context = Folder,
            dockerfile = "Target",
            contexts = new Dictionary<string, string> { ["base"] = "target:base" },
            args = new Dictionary<string, string> { ["NUMBER"] = $"{i}" },
            tags = new[] { $"docker.io/library/opencloud-build-bench:{i}" },
            output = new[] { "type=image" },
        });
        string[] names = [.. targets.Keys];
        targets["base"] = new { context = Folder };
        string file = $"{Folder}-{BakeFile}";
        File.WriteAllText(file, JsonSerializer.Serialize(new { group = new { @default = new { targets = names } }, target = targets }));
        return file;
    }

    private string ManyFile(int directory, int file) => System.IO.Path.Join(Folder, $"d{directory:000}", $"f{file:000}.bin");

    private void WriteRandom(string file, long length)
    {
        byte[] buffer = new byte[Math.Min(length, 1 << 20)];
        using FileStream stream = new(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (long left = length; left > 0; left -= buffer.Length)
        {
            _random.NextBytes(buffer);
            stream.Write(buffer.AsSpan(0, (int)Math.Min(left, buffer.Length)));
        }
    }
}
