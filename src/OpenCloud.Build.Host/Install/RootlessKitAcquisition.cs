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
{
    private const string Sums = "SHA256SUMS";

    public string Origin => options.RootlessKitArchivePath ?? options.RootlessKitUri!.ToString();

    /// <summary>Refuses a missing source, or one that nothing can verify, before anything is fetched.</summary>
    public void CheckSource()
    {
        if (options.RootlessKitSha256 is not null)
        {
            IntegrityCheck.Normalize(options.RootlessKitSha256);
        }

        if (options.RootlessKitArchivePath is { } path)
        {
            if (!File.Exists(path))
            {
                throw new HostException(HostErrorKind.NotFound, $"The archive '{path}' does not exist.", target: path);
            }

            if (options.RootlessKitSha256 is null && !File.Exists(SumsBeside(path)))
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

    /// <summary>Fetches, verifies and unpacks the programs into a folder.</summary>
    /// <returns>How the archive was verified, and the names of the programs.</returns>
    public async Task<(IntegrityResult Integrity, IReadOnlyList<string> Names)> UnpackAsync(string directory, CancellationToken cancellationToken)
    {
        string? fetched = null;
        string? path = options.RootlessKitArchivePath;
        if (path is null)
        {
            Directory.CreateDirectory(downloads, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            path = fetched = await new ReleaseDownload(client).FetchAsync(
                options.RootlessKitUri!,
                downloads,
                (have, _) => observer.Progress("Downloading RootlessKit", $"{have >> 20} MiB", null),
                cancellationToken).ConfigureAwait(false);
        }

        try
        {
            using FileStream archive = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            (string? expected, IntegrityEvidence evidence) = await ExpectedAsync(cancellationToken).ConfigureAwait(false);
            IntegrityResult result = IntegrityCheck.Verify(archive, expected, evidence, Origin);
            observer.Verbose($"{Origin}: sha256 {result.Sha256}. {result.Proves}");
            return (result, ReleaseArchive.Unpack(archive, directory, null, cancellationToken, folder: string.Empty, required: "rootlesskit"));
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

    private static string SumsBeside(string path) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, Sums);

    private async Task<(string Sha256, IntegrityEvidence Evidence)> ExpectedAsync(CancellationToken cancellationToken)
    {
        if (options.RootlessKitSha256 is { } given)
        {
            return (IntegrityCheck.Normalize(given), IntegrityEvidence.GivenSha256);
        }

        string name;
        byte[]? sums;
        if (options.RootlessKitArchivePath is { } path)
        {
            name = Path.GetFileName(path);
            sums = await File.ReadAllBytesAsync(SumsBeside(path), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            name = Path.GetFileName(options.RootlessKitUri!.AbsolutePath);
            sums = await new ReleaseDownload(client).FetchTextAsync(new Uri(options.RootlessKitUri, Sums), cancellationToken).ConfigureAwait(false);
        }

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
