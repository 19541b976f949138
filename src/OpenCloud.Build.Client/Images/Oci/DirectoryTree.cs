namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>A directory as a tree of files. Paths come from fixed names and digests only, and links are not followed.</summary>
internal sealed class DirectoryTree(string root) : IFileTree
{
    public string Location { get; } = Path.GetFullPath(root);

    public long? GetLength(string path)
    {
        FileInfo file = new(Resolve(path));
        return !IsThroughLink(path) && file.Exists && file.LinkTarget is null && (file.Attributes & FileAttributes.Directory) == 0 ? file.Length : null;
    }

    public Stream Open(string path) =>
        GetLength(path) is null
            ? throw new FileNotFoundException($"'{path}' is not a regular file of '{Location}'.")
            : new FileStream(Resolve(path), FileMode.Open, FileAccess.Read, FileShare.Read, 128 * 1024, FileOptions.Asynchronous | FileOptions.SequentialScan);

    public void Dispose()
    {
    }

    internal bool IsThroughLink(string path)
    {
        for (int slash = path.IndexOf('/'); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            if (new DirectoryInfo(Path.Combine(Location, path[..slash])).LinkTarget is not null)
            {
                return true;
            }
        }

        return false;
    }

    private string Resolve(string path) =>
        path.Split('/').Any(static part => part is "" or "." or "..")
            ? throw new OciFormatException($"'{path}' is outside '{Location}'.")
            : Path.Combine(Location, path);
}
