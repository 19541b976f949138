using System.Text;

namespace OpenCloud.Build.Client.Context;

/// <summary>One Dockerfile and the ignore file that belongs to it, and nothing else of the directory that they are in.</summary>
/// <remarks>
/// BuildKit's Dockerfile frontend asks the directory <c>dockerfile</c> for the file named by its option <c>filename</c> and for
/// that name with <c>.dockerignore</c> appended. The files are read anew for each transfer. A symbolic link is followed: the
/// caller has named it.
/// </remarks>
public sealed class DockerfileContextSource : ContextSource
{
    private const string IgnoreSuffix = ".dockerignore";
    private const int MaxSize = 16 * 1024 * 1024;

    /// <summary>Declares a Dockerfile.</summary>
    /// <param name="name">The name by which the daemon asks for the directory.</param>
    /// <param name="path">The Dockerfile, anywhere.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public DockerfileContextSource(string name, string path)
        : base(name)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        FullPath = Path.GetFullPath(path);
        if (!File.Exists(FullPath))
        {
            throw new FileNotFoundException($"The Dockerfile '{FullPath}' does not exist.", FullPath);
        }
    }

    /// <summary>The Dockerfile's absolute path.</summary>
    public string FullPath { get; }

    /// <summary>The name under which the daemon finds it: the frontend's option <c>filename</c>.</summary>
    public string FileName => Path.GetFileName(FullPath);

    internal override ContextTree OpenTree()
    {
        var tree = new MemoryTree();
        Add(tree, FullPath);
        if (File.Exists(FullPath + IgnoreSuffix))
        {
            Add(tree, FullPath + IgnoreSuffix);
        }

        return tree;
    }

    private static void Add(MemoryTree tree, string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > MaxSize)
            {
                throw ContextException.Unreadable("read", path, $"it has {file.Length} bytes; at most {MaxSize} are taken");
            }

            long modified = (File.GetLastWriteTimeUtc(file.SafeFileHandle) - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
            var content = new byte[file.Length];
            file.ReadExactly(content);
            tree.Add(Encoding.UTF8.GetBytes(Path.GetFileName(path)), MemoryTree.FileMode, modified, content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ContextException.Unreadable("read", path, e.Message);
        }
    }
}
