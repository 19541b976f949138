namespace OpenCloud.Build.Host.Releases;

/// <summary>The source of a release's archive.</summary>
internal sealed record ReleaseSource
{
    private ReleaseSource()
    {
    }

    /// <summary>The local file; null for a download.</summary>
    public string? ArchivePath { get; private init; }

    /// <summary>The address of the archive; null for a local file.</summary>
    public Uri? Uri { get; private init; }

    /// <summary>Whether the address is the project's own release page.</summary>
    public bool IsProjectRelease { get; private init; }

    /// <summary>Creates the source for the project's release on GitHub.</summary>
    public static ReleaseSource Project(BuildKitVersion version, string architecture) => new()
    {
        Uri = new Uri($"https://github.com/moby/buildkit/releases/download/{version}/{ArchiveName(version, architecture)}"),
        IsProjectRelease = true,
    };

    /// <summary>Creates the source for a local file.</summary>
    public static ReleaseSource File(string path) => new() { ArchivePath = path };

    /// <summary>
    /// Creates the source for a mirror: the address of the archive itself, or of the folder that holds a folder per version (as GitHub's
    /// <c>releases/download</c> does), which then ends in a slash.
    /// </summary>
    /// <exception cref="HostException">The address is neither https nor http.</exception>
    public static ReleaseSource Mirror(Uri uri, BuildKitVersion version, string architecture)
    {
        if (!uri.IsAbsoluteUri || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{uri}' is not an https or http URL.", "For a local file, use -ArchivePath.");
        }

        if (uri.UserInfo.Length > 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "A URL with a user name or a password is not allowed: it would appear in logs.");
        }

        return new() { Uri = uri.AbsolutePath.EndsWith('/') ? new Uri(uri, $"{version}/{ArchiveName(version, architecture)}") : uri };
    }

    /// <summary>The project's name for an archive.</summary>
    public static string ArchiveName(BuildKitVersion version, string architecture) => $"buildkit-{version}.linux-{architecture}.tar.gz";

    /// <summary>The project's name for the provenance beside an archive.</summary>
    public static string ProvenanceName(BuildKitVersion version, string architecture) => $"buildkit-{version}.linux-{architecture}.provenance.json";
}
