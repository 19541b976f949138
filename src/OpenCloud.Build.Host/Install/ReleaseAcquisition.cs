using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>Acquires a release of BuildKit. Its hash is given, known, in the provenance beside it, or on the project's release page.</summary>
internal sealed class ReleaseAcquisition(InstallOptions options, BuildKitVersion version, ReleaseSource source, string downloads, IHostObserver observer, HttpClient client)
    : ArchiveAcquisition("BuildKit", source.ArchivePath, source.Uri, downloads, observer, client)
{
    private readonly string _architecture = InstallOptions.HostArchitecture;

    public static ReleaseSource SourceOf(InstallOptions options, BuildKitVersion version)
        => options.ArchivePath is not null ? ReleaseSource.File(options.ArchivePath)
            : options.Uri is not null ? ReleaseSource.Mirror(options.Uri, version, InstallOptions.HostArchitecture)
            : ReleaseSource.Project(version, InstallOptions.HostArchitecture);

    /// <inheritdoc/>
    /// <remarks>Plain http without a hash from elsewhere: whoever can change the archive in transit can change the provenance as well.</remarks>
    public override void CheckSource()
    {
        RequireFile(options.Sha256);
        if (source.Uri is { Scheme: "http", IsLoopback: false } uri && Expected() is null && !options.SkipVerification)
        {
            throw new HostException(
                HostErrorKind.Integrity,
                $"{uri} is not encrypted, and this module does not know the hash of {version} for {_architecture}: the download cannot be verified.",
                "Use an https URL, or use -Sha256 with the hash of the archive.",
                uri.ToString());
        }
    }

    protected override IReadOnlyList<string> Unpack(FileStream archive, string directory, CancellationToken cancellationToken)
    {
        long length = Math.Max(archive.Length, 1);
        return ReleaseArchive.Unpack(
            archive,
            directory,
            written => Observer.Progress("Unpacking BuildKit", $"{written >> 20} MiB", Math.Min(1, (double)archive.Position / length)),
            cancellationToken);
    }

    private (string Sha256, IntegrityEvidence Evidence)? Expected()
        => options.Sha256 is not null ? (IntegrityCheck.Normalize(options.Sha256), IntegrityEvidence.GivenSha256)
            : KnownReleases.Sha256(version, _architecture) is { } known ? (known, IntegrityEvidence.KnownRelease)
            : null;

    protected override async Task<(string? Sha256, IntegrityEvidence Evidence)> ExpectedAsync(CancellationToken cancellationToken)
    {
        if (options.SkipVerification && options.Sha256 is null)
        {
            Observer.Warning($"{Origin} is installed without verification, and its programs run with the rights of the engine.");
            return (null, IntegrityEvidence.Skipped);
        }

        if (Expected() is { } here)
        {
            return here;
        }

        string name = ReleaseSource.ArchiveName(version, _architecture);
        if (await BesideAsync(ReleaseSource.ProvenanceName(version, _architecture), cancellationToken).ConfigureAwait(false) is { } statement)
        {
            return ReleaseProvenance.SubjectSha256(statement, name) is { } subject
                ? (subject, IntegrityEvidence.Provenance)
                : throw new HostException(
                    HostErrorKind.Integrity,
                    $"The provenance file beside {Origin} does not list {name}: the files do not belong together.",
                    "Check -Version, or use -Sha256 with the hash of the archive.",
                    Origin);
        }

        if (source.IsProjectRelease)
        {
            Uri api = new($"https://api.github.com/repos/moby/buildkit/releases/tags/{version}");
            if (await new ReleaseDownload(Client).FetchTextAsync(api, cancellationToken).ConfigureAwait(false) is { } release &&
                ReleaseProvenance.AssetSha256(release, name) is { } digest)
            {
                return (digest, IntegrityEvidence.AssetDigest);
            }
        }

        throw new HostException(
            HostErrorKind.Integrity,
            $"{Origin} cannot be verified: no -Sha256, no known hash of {version} for {_architecture}, no provenance file beside it{(source.IsProjectRelease ? ", no digest on the release page" : string.Empty)}.",
            "Use -Sha256 with the hash, put the release's .provenance.json beside the archive, or skip the verification with -SkipVerification.",
            Origin);
    }
}
