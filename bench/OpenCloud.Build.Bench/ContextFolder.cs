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

    // FROM scratch: nothing is fetched, and next to the transfer the engine has one copy to do. The image leaves the copy out, as
    // compressing 1 GiB of layer takes an engine longer than all the rest and says nothing about its clients.
    private const string Dockerfile = "FROM scratch AS context\nCOPY . /\nFROM scratch\nCOPY --from=context /Dockerfile /\n";

    private readonly Random _random = new(20_000);
    private readonly ContextKind _kind;

    /// <summary>Writes the context into a new directory.</summary>
    public ContextFolder(string path, ContextKind kind)
    {
        Path = path;
        _kind = kind;
        Directory.CreateDirectory(path);
        File.WriteAllText(System.IO.Path.Join(path, "Dockerfile"), Dockerfile);
        switch (kind)
        {
            case ContextKind.Tiny:
                File.WriteAllText(System.IO.Path.Join(path, "hello.txt"), "hello\n");
                break;
            case ContextKind.ManyFiles:
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

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The length of all its files, the Dockerfile left out.</summary>
    public long Bytes => _kind switch
    {
        ContextKind.Tiny => 0,
        ContextKind.ManyFiles => (long)Directories * FilesPerDirectory * FileBytes,
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

    private string ManyFile(int directory, int file) => System.IO.Path.Join(Path, $"d{directory:000}", $"f{file:000}.bin");

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
