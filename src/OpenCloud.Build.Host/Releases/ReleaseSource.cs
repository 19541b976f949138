namespace OpenCloud.Build.Host.Releases;

/// <summary>Where the archive of a release comes from.</summary>
public sealed record ReleaseSource
{
    private ReleaseSource()
    {
    }

    /// <summary>The file to read; null for a download.</summary>
    public string? ArchivePath { get; private init; }

    /// <summary>The address to fetch; null for a file.</summary>
    public Uri? Uri { get; private init; }

    /// <summary>Whether the address is the project's own release page.</summary>
    public bool IsProjectRelease { get; private init; }

    /// <summary>The project's release on GitHub.</summary>
    public static ReleaseSource Project(BuildKitVersion version, string architecture) => new()
    {
        Uri = new Uri($"https://github.com/moby/buildkit/releases/download/{version}/{ArchiveName(version, architecture)}"),
        IsProjectRelease = true,
    };

    /// <summary>A file of this machine.</summary>
    public static ReleaseSource File(string path) => new() { ArchivePath = path };

    /// <summary>
    /// A mirror: the address of the archive itself, or of the folder that holds a folder per version (as GitHub's
    /// <c>releases/download</c> does), then ending in a slash.
    /// </summary>
    /// <exception cref="HostException">The address is neither https nor http.</exception>
    public static ReleaseSource Mirror(Uri uri, BuildKitVersion version, string architecture)
    {
        if (!uri.IsAbsoluteUri || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{uri}' is no https or http address.", "For a file of this machine use -ArchivePath.");
        }

        if (uri.UserInfo.Length > 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "An address with a user and a password in it is refused: it would end up in logs.");
        }

        return new() { Uri = uri.AbsolutePath.EndsWith('/') ? new Uri(uri, $"{version}/{ArchiveName(version, architecture)}") : uri };
    }

    /// <summary>The name the project gives an archive.</summary>
    public static string ArchiveName(BuildKitVersion version, string architecture) => $"buildkit-{version}.linux-{architecture}.tar.gz";

    /// <summary>The name the project gives the provenance that lies beside it.</summary>
    public static string ProvenanceName(BuildKitVersion version, string architecture) => $"buildkit-{version}.linux-{architecture}.provenance.json";
}
