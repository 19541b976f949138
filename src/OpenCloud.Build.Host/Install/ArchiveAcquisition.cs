using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>Acquires an archive of programs: fetches or reads it, verifies it, and unpacks it into a folder that only its owner can enter.</summary>
/// <param name="name">The archive's product, for messages.</param>
/// <param name="path">The local path; null for an address.</param>
/// <param name="uri">The address; null for a local path.</param>
/// <param name="downloads">The folder that keeps downloads until they are used; a partial download stays for the next run.</param>
/// <param name="observer">Receives reports.</param>
/// <param name="client">The HTTP client for downloads.</param>
internal abstract class ArchiveAcquisition(string name, string? path, Uri? uri, string downloads, IHostObserver observer, HttpClient client)
{
    public string Origin => path ?? uri!.ToString();

    protected IHostObserver Observer => observer;

    protected HttpClient Client => client;

    /// <summary>Refuses a missing source, or one that nothing can verify, before anything is fetched.</summary>
    public abstract void CheckSource();

    /// <summary>Fetches, verifies and unpacks the programs into a folder.</summary>
    /// <returns>How the archive was verified, and the names of the programs.</returns>
    public async Task<(IntegrityResult Integrity, IReadOnlyList<string> Names)> UnpackAsync(string directory, CancellationToken cancellationToken)
    {
        string? fetched = null;
        if (path is null)
        {
            Directory.CreateDirectory(downloads, FileModes.OwnerOnly);
            fetched = await new ReleaseDownload(client).FetchAsync(uri!, downloads, Fetched, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            // One handle from here on: the verified bytes are the unpacked bytes.
            using FileStream archive = new(path ?? fetched!, FileMode.Open, FileAccess.Read, FileShare.Read);
            (string? expected, IntegrityEvidence evidence) = await ExpectedAsync(cancellationToken).ConfigureAwait(false);
            IntegrityResult result = IntegrityCheck.Verify(archive, expected, evidence, Origin);
            observer.Verbose($"{Origin}: sha256 {result.Sha256}. {result.Proves}");
            return (result, Unpack(archive, directory, cancellationToken));
        }
        finally
        {
            if (fetched is not null)
            {
                File.Delete(fetched);
                TreeRemoval.RemoveIfEmpty(downloads);
            }
        }
    }

    /// <summary>The expected hash and where it comes from; no hash where the caller skips verification.</summary>
    protected abstract Task<(string? Sha256, IntegrityEvidence Evidence)> ExpectedAsync(CancellationToken cancellationToken);

    protected abstract IReadOnlyList<string> Unpack(FileStream archive, string directory, CancellationToken cancellationToken);

    /// <summary>Reads the file beside the archive; null when there is none.</summary>
    protected async Task<byte[]?> BesideAsync(string fileName, CancellationToken cancellationToken)
    {
        if (path is null)
        {
            return await new ReleaseDownload(client).FetchTextAsync(new Uri(uri!, fileName), cancellationToken).ConfigureAwait(false);
        }

        string beside = PathBeside(fileName);
        return File.Exists(beside) ? await File.ReadAllBytesAsync(beside, cancellationToken).ConfigureAwait(false) : null;
    }

    protected string PathBeside(string fileName) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path!))!, fileName);

    protected void RequireFile(string? sha256)
    {
        if (path is not null && !File.Exists(path))
        {
            throw new HostException(HostErrorKind.NotFound, $"The archive '{path}' does not exist.", target: path);
        }

        if (sha256 is not null)
        {
            IntegrityCheck.Normalize(sha256);
        }
    }

    private void Fetched(long have, long? total)
        => observer.Progress(
            $"Downloading {name}",
            total is null ? $"{have >> 20} MiB" : $"{have >> 20} of {total >> 20} MiB",
            total is > 0 ? (double)have / total : null);
}
