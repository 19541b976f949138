namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Takes the files of an archive one after the other.</summary>
public interface IArchiveOutput
{
    /// <summary>Writes a file of exactly <c>length</c> bytes.</summary>
    public Task WriteAsync(string path, long length, Stream content, CancellationToken cancellationToken);

    /// <summary>Ends the archive, after its last file.</summary>
    public Task CompleteAsync(CancellationToken cancellationToken);
}
