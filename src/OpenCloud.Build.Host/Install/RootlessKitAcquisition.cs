using System.Runtime.InteropServices;
using System.Text;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Acquires a release of RootlessKit: an archive <c>rootlesskit-MACHINE.tar.gz</c> with the programs at its top level. The release
/// has a list <c>SHA256SUMS</c> (rootless-containers/rootlesskit, .github/workflows/release.yaml, hack/make-cross.sh).
/// </summary>
internal sealed class RootlessKitAcquisition(RootlessOptions options, string downloads, IHostObserver observer, HttpClient client)
    : ArchiveAcquisition("RootlessKit", options.RootlessKitArchivePath, options.RootlessKitUri, downloads, observer, client)
{
    private const string Sums = "SHA256SUMS";

    /// <inheritdoc/>
    public override void CheckSource()
    {
        RequireFile(options.RootlessKitSha256);
        if (options.RootlessKitArchivePath is not null)
        {
            if (options.RootlessKitSha256 is null && !File.Exists(PathBeside(Sums)))
            {
                throw Unproven();
            }

            return;
        }

        Uri uri = options.RootlessKitUri!;
        if (!uri.IsAbsoluteUri || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp) || uri.UserInfo.Length > 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "-RootlessKitUri must be an https or http URL without a user name.", "For a local file, use -RootlessKitArchivePath.");
        }

        if (uri is { Scheme: "http", IsLoopback: false } && options.RootlessKitSha256 is null)
        {
            throw new HostException(
                HostErrorKind.Integrity,
                $"{uri} is not encrypted: the download cannot be verified.",
                "Use an https URL, or use -RootlessKitSha256 with the hash of the archive.",
                uri.ToString());
        }
    }

    /// <summary>The hash that a list has for a name (lines of sha256sum(1), text or binary mode); null when it has none.</summary>
    public static string? HashIn(string sums, string name)
    {
        foreach (string line in sums.Split('\n'))
        {
            string[] words = line.Split(' ', 2);
            if (words.Length == 2 && words[0].Length == 64 && words[1].TrimStart(' ', '*').TrimEnd('\r') == name)
            {
                return words[0].ToLowerInvariant();
            }
        }

        return null;
    }

    protected override IReadOnlyList<string> Unpack(FileStream archive, string directory, CancellationToken cancellationToken)
        => ReleaseArchive.Unpack(archive, directory, null, cancellationToken, folder: string.Empty, required: "rootlesskit");

    protected override async Task<(string? Sha256, IntegrityEvidence Evidence)> ExpectedAsync(CancellationToken cancellationToken)
    {
        if (options.RootlessKitSha256 is { } given)
        {
            return (IntegrityCheck.Normalize(given), IntegrityEvidence.GivenSha256);
        }

        string name = Path.GetFileName(options.RootlessKitArchivePath ?? options.RootlessKitUri!.AbsolutePath);
        byte[]? sums = await BesideAsync(Sums, cancellationToken).ConfigureAwait(false);
        return sums is null ? throw Unproven()
            : HashIn(Encoding.UTF8.GetString(sums), name) is { } hash ? (IntegrityCheck.Normalize(hash), IntegrityEvidence.Sha256Sums)
            : throw new HostException(HostErrorKind.Integrity, $"The file {Sums} beside {Origin} does not list {name}: the files do not belong together.", "Use -RootlessKitSha256 with the hash of the archive.", Origin);
    }

    private HostException Unproven() => new(
        HostErrorKind.Integrity,
        $"{Origin} cannot be verified: no -RootlessKitSha256, and no {Sums} beside it.",
        $"Put the release's {Sums} beside the archive (rootlesskit-{(RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64")}.tar.gz), or use -RootlessKitSha256 with its hash.",
        Origin);
}
