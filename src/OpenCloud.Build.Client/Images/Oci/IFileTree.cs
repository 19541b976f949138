namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Regular files by relative path, read only: a directory or the inside of a tar.</summary>
internal interface IFileTree : IDisposable
{
    public string Location { get; }

    /// <summary>The length of a file, or null when there is no such regular file.</summary>
    public long? GetLength(string path);

    /// <summary>Opens a file. Streams of one tree may be used concurrently.</summary>
    public Stream Open(string path);
}
