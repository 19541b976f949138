using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Context;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>The kind of a build context.</summary>
public enum ContextKind
{
    /// <summary>A local directory.</summary>
    Directory,

    /// <summary>A local tar archive, plain or compressed with gzip, bzip2 or xz.</summary>
    Archive,

    /// <summary>A git repository that the engine fetches.</summary>
    Git,

    /// <summary>A file or archive that the engine fetches over HTTP.</summary>
    Http,
}

/// <summary>The location of a context: a local path, or an address that the engine fetches.</summary>
/// <remarks>
/// Git addresses are recognized as in moby/buildkit (frontend/dockerfile/dfgitutil/git_ref.go and util/gitutil): the schemes
/// <c>git</c> and <c>ssh</c>, <c>user@host:path</c> (util/sshutil/scpurl.go), <c>github.com/…</c>, and a path that ends in <c>.git</c> over HTTP.
/// </remarks>
public sealed partial record ContextLocation
{
    private ContextLocation(ContextKind kind, string value)
    {
        Kind = kind;
        Value = value;
    }

    /// <summary>The kind of the context.</summary>
    public ContextKind Kind { get; }

    /// <summary>The absolute path, or the address as given.</summary>
    public string Value { get; }

    /// <summary>True when the engine fetches the context, so that nothing of it is read locally.</summary>
    public bool IsRemote => Kind is ContextKind.Git or ContextKind.Http;

    /// <summary>Whether a text is an address that engines fetch, and not a path.</summary>
    public static bool IsAddress(string text) => KindOf(text) is not null;

    /// <summary>Whether a file begins as an archive that engines unpack: tar, plain or compressed with gzip, bzip2 or xz.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static bool IsArchive(string path) => ContextArchive.IsArchive(path);

    /// <summary>The value of a named context with the <c>//</c> that users may omit after <c>docker-image:</c> and <c>oci-layout:</c>.</summary>
    public static string WithScheme(string value) => NamedContext.Complete(value);

    /// <summary>A path or an address for display: an address is without its user and query, which may be secrets. The user of ssh is none.</summary>
    public static string WithoutSecrets(string text)
    {
        string withoutUser = User().Replace(text, "$1");
        return IsAddress(text) ? Query().Replace(withoutUser, string.Empty) : withoutUser;
    }

    /// <summary>Parses a path or an address.</summary>
    /// <param name="text">A directory, a file, or an address; a relative path starts at the process's working directory.</param>
    /// <exception cref="DirectoryNotFoundException">The directory does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is not a tar archive that engines read.</exception>
    public static ContextLocation Parse(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        if (KindOf(text) is { } remote)
        {
            return new ContextLocation(remote, text);
        }

        string path = Path.GetFullPath(text);
        if (!File.Exists(path))
        {
            // The later open reports a missing directory, in the words for directories.
            return new ContextLocation(ContextKind.Directory, path);
        }

        ContextArchive.Check(path);
        return new ContextLocation(ContextKind.Archive, path);
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static ContextKind? KindOf(string text)
    {
        if (text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            string path = text.Split('#', '?')[0];
            return path.EndsWith(".git", StringComparison.Ordinal) ? ContextKind.Git : ContextKind.Http;
        }

        // Without a scheme the text may also be a path; an existing path has priority.
        return GitAddress().IsMatch(text) || (SchemelessAddress().IsMatch(text) && !Path.Exists(text)) ? ContextKind.Git : null;
    }

    [GeneratedRegex(@"\A(?!(?i:ssh)://[^/?#:@]*@)([a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#]*@", RegexOptions.CultureInvariant)]
    private static partial Regex User();

    [GeneratedRegex(@"\?[^#]*", RegexOptions.CultureInvariant)]
    private static partial Regex Query();

    [GeneratedRegex(@"\A(?:(?i:git|ssh)://|git@[a-zA-Z0-9.-]+:)", RegexOptions.CultureInvariant)]
    private static partial Regex GitAddress();

    [GeneratedRegex(@"\A(?:[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:|github\.com/)", RegexOptions.CultureInvariant)]
    private static partial Regex SchemelessAddress();
}
