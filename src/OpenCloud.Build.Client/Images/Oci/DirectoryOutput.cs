namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Writes files into a new directory.</summary>
/// <param name="root">The directory.</param>
public sealed class DirectoryOutput(string root) : IArchiveOutput
{
    /// <inheritdoc/>
    public async Task WriteAsync(string path, long length, Stream content, CancellationToken cancellationToken)
    {
        string full = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        FileStream file = new(full, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous);
        await using (file.ConfigureAwait(false))
        {
            long written = await TarOutput.CopyAsync(content, file, cancellationToken).ConfigureAwait(false);
            if (written != length)
            {
                throw new OciFormatException($"'{path}' must be {length} bytes long, but has {written} bytes.");
            }
        }
    }

    /// <inheritdoc/>
    public Task CompleteAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
