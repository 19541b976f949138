using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Context;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>What a build's context is.</summary>
public enum ContextKind
{
    /// <summary>A directory of this machine.</summary>
    Directory,

    /// <summary>A tar archive of this machine, plain or compressed with gzip, bzip2 or xz.</summary>
    Archive,

    /// <summary>A git repository that the engine fetches.</summary>
    Git,

    /// <summary>A file or archive that the engine fetches over HTTP.</summary>
    Http,
}

/// <summary>Where a context is: a path of this machine, or an address from which the engine itself fetches it.</summary>
/// <remarks>
/// Which addresses are git's is decided as moby/buildkit does (frontend/dockerfile/dfgitutil/git_ref.go and util/gitutil): the schemes
/// <c>git</c> and <c>ssh</c>, <c>user@host:path</c> (util/sshutil/scpurl.go), <c>github.com/…</c>, and a path that ends in <c>.git</c> over HTTP.
/// </remarks>
public sealed partial record ContextLocation
{
    private ContextLocation(ContextKind kind, string value)
    {
        Kind = kind;
        Value = value;
    }

    /// <summary>What it is.</summary>
    public ContextKind Kind { get; }

    /// <summary>The absolute path, or the address as it was given.</summary>
    public string Value { get; }

    /// <summary>True when the engine fetches the context, so that nothing of it is read here.</summary>
    public bool IsRemote => Kind is ContextKind.Git or ContextKind.Http;

    /// <summary>Whether a text is an address that engines fetch, not a path.</summary>
    public static bool IsAddress(string text) => KindOf(text) is not null;

    /// <summary>Reads a path or an address.</summary>
    /// <param name="text">A directory, a file, or an address; a relative path is taken from the process's directory.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="InvalidDataException">It is a file but no tar archive that engines read.</exception>
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
            // Whether it exists is told where it is opened, in the words for directories.
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

        // Without a scheme it may be a path as well, and one that is there is meant.
        return GitAddress().IsMatch(text) || (SchemelessAddress().IsMatch(text) && !Path.Exists(text)) ? ContextKind.Git : null;
    }

    [GeneratedRegex(@"\A(?:(?i:git|ssh)://|git@[a-zA-Z0-9.-]+:)", RegexOptions.CultureInvariant)]
    private static partial Regex GitAddress();

    [GeneratedRegex(@"\A(?:[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:|github\.com/)", RegexOptions.CultureInvariant)]
    private static partial Regex SchemelessAddress();
}
