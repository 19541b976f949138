namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>A directory on this machine.</summary>
/// <remarks>Symbolic links are sent as links. Nothing outside the directory is read, whatever the links in it point to.</remarks>
internal sealed class DirectoryContextSource : ContextSource
{
    /// <summary>Declares a directory.</summary>
    /// <param name="name">The name by which the daemon asks for it.</param>
    /// <param name="path">The directory; the path itself may be a symbolic link.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    public DirectoryContextSource(string name, string path)
        : base(name)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        FullPath = Path.GetFullPath(path);
        if (!Directory.Exists(FullPath))
        {
            throw new DirectoryNotFoundException(File.Exists(FullPath)
                ? $"The build context '{FullPath}' is a file; a directory is required."
                : $"The build context '{FullPath}' does not exist.");
        }
    }

    /// <summary>The directory's absolute path.</summary>
    public string FullPath { get; }

    internal override ContextTree OpenTree() => new DirectoryTree(FullPath);
}
