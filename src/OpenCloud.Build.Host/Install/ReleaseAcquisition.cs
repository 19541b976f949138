using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>Acquires a release: fetches or reads it, verifies it, and unpacks it into a folder that only root can enter.</summary>
internal sealed class ReleaseAcquisition(InstallOptions options, BuildKitVersion version, string architecture, IHostObserver observer, HttpClient client)
{
    private const UnixFileMode RootOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly ReleaseSource _source = options.ArchivePath is not null ? ReleaseSource.File(options.ArchivePath)
        : options.Uri is not null ? ReleaseSource.Mirror(options.Uri, version, architecture)
        : ReleaseSource.Project(version, architecture);

    public string Downloads { get; init; } = SystemPaths.Downloads;

    public string Origin => _source.ArchivePath ?? _source.Uri!.ToString();

    /// <summary>
    /// Refuses a source that nothing can verify, before anything is fetched: plain http without a hash from elsewhere. Whoever
    /// can change the archive in transit can change the provenance as well.
    /// </summary>
    public void CheckSource()
    {
        if (options.ArchivePath is not null && !File.Exists(options.ArchivePath))
        {
            throw new HostException(HostErrorKind.NotFound, $"The archive '{options.ArchivePath}' does not exist.", target: options.ArchivePath);
        }

        if (options.Sha256 is not null)
        {
            IntegrityCheck.Normalize(options.Sha256);
        }

        if (_source.Uri is { Scheme: "http", IsLoopback: false } uri && Expected() is null && !options.SkipVerification)
        {
            throw new HostException(
                HostErrorKind.Integrity,
                $"{uri} is not encrypted, and this module does not know the hash of {version} for {architecture}: the download cannot be verified.",
                "Use an https URL, or use -Sha256 with the hash of the archive.",
                uri.ToString());
        }
    }

    /// <summary>Fetches, verifies and unpacks the release into an empty folder that only root can enter.</summary>
    public async Task<IntegrityResult> UnpackAsync(string directory, CancellationToken cancellationToken)
    {
        string? fetched = null;
        string? path = _source.ArchivePath;
        if (path is null)
        {
            Directory.CreateDirectory(Downloads, RootOnly);
            path = fetched = await new ReleaseDownload(client).FetchAsync(_source.Uri!, Downloads, Fetched, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            // One handle from here on: the verified bytes are the unpacked bytes.
            using FileStream archive = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            (string? expected, IntegrityEvidence evidence) = await ExpectedAsync(cancellationToken).ConfigureAwait(false);
            IntegrityResult result = IntegrityCheck.Verify(archive, expected, evidence, Origin);
            observer.Verbose($"{Origin}: sha256 {result.Sha256}. {result.Proves}");
            long length = Math.Max(archive.Length, 1);
            ReleaseArchive.Unpack(
                archive,
                directory,
                written => observer.Progress("Unpacking BuildKit", $"{written >> 20} MiB", Math.Min(1, (double)archive.Position / length)),
                cancellationToken);
            return result;
        }
        finally
        {
            if (fetched is not null)
            {
                File.Delete(fetched);
                TreeRemoval.RemoveIfEmpty(Downloads);
            }
        }
    }

    private void Fetched(long have, long? total)
        => observer.Progress(
            "Downloading BuildKit",
            total is null ? $"{have >> 20} MiB" : $"{have >> 20} of {total >> 20} MiB",
            total is > 0 ? (double)have / total : null);

    private (string Sha256, IntegrityEvidence Evidence)? Expected()
        => options.Sha256 is not null ? (IntegrityCheck.Normalize(options.Sha256), IntegrityEvidence.GivenSha256)
            : KnownReleases.Sha256(version, architecture) is { } known ? (known, IntegrityEvidence.KnownRelease)
            : null;

    private async Task<(string? Sha256, IntegrityEvidence Evidence)> ExpectedAsync(CancellationToken cancellationToken)
    {
        if (options.SkipVerification && options.Sha256 is null)
        {
            observer.Warning($"{Origin} is installed without verification, and its programs run with the rights of the engine.");
            return (null, IntegrityEvidence.Skipped);
        }

        if (Expected() is { } here)
        {
            return here;
        }

        string name = ReleaseSource.ArchiveName(version, architecture);
        if (await ProvenanceAsync(cancellationToken).ConfigureAwait(false) is { } statement)
        {
            return ReleaseProvenance.SubjectSha256(statement, name) is { } subject
                ? (subject, IntegrityEvidence.Provenance)
                : throw new HostException(
                    HostErrorKind.Integrity,
                    $"The provenance file beside {Origin} does not list {name}: the files do not belong together.",
                    "Check -Version, or use -Sha256 with the hash of the archive.",
                    Origin);
        }

        if (_source.IsProjectRelease)
        {
            Uri api = new($"https://api.github.com/repos/moby/buildkit/releases/tags/{version}");
            if (await new ReleaseDownload(client).FetchTextAsync(api, cancellationToken).ConfigureAwait(false) is { } release &&
                ReleaseProvenance.AssetSha256(release, name) is { } digest)
            {
                return (digest, IntegrityEvidence.AssetDigest);
            }
        }

        throw new HostException(
            HostErrorKind.Integrity,
            $"{Origin} cannot be verified: no -Sha256, no known hash of {version} for {architecture}, no provenance file beside it{(_source.IsProjectRelease ? ", no digest on the release page" : string.Empty)}.",
            "Use -Sha256 with the hash, put the release's .provenance.json beside the archive, or skip the verification with -SkipVerification.",
            Origin);
    }

    private async Task<byte[]?> ProvenanceAsync(CancellationToken cancellationToken)
    {
        string name = ReleaseSource.ProvenanceName(version, architecture);
        if (_source.ArchivePath is not null)
        {
            string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_source.ArchivePath))!, name);
            return File.Exists(beside) ? await File.ReadAllBytesAsync(beside, cancellationToken).ConfigureAwait(false) : null;
        }

        return await new ReleaseDownload(client).FetchTextAsync(new Uri(_source.Uri!, name), cancellationToken).ConfigureAwait(false);
    }
}
