namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Regular files by relative path, read only: a directory or the inside of a tar.</summary>
internal interface IFileTree : IDisposable
{
    /// <summary>What to call the tree in an error.</summary>
    public string Location { get; }

    /// <summary>Answers the length of a file, or nothing when there is no such regular file.</summary>
    public long? GetLength(string path);

    /// <summary>Opens a file. Streams of one tree may be used side by side.</summary>
    public Stream Open(string path);
}
