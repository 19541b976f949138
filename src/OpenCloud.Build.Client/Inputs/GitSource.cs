using System.Text.RegularExpressions;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>The git repository of a directory, for the provenance of the build.</summary>
/// <param name="Revision">The commit that is checked out; null when there is none.</param>
/// <param name="Source">The address of the remote repository without credentials; null when there is none.</param>
/// <remarks>
/// The frontend's attributes are those that buildx sets (build/git.go). The files are read directly: git may not be installed, and it runs
/// commands from a repository's configuration. Source of their form: gitrepository-layout(5) and git-config(1).
/// </remarks>
internal sealed partial record GitSource(string? Revision, string? Source)
{
    /// <summary>The attribute with the directory of the context.</summary>
    public const string ContextDirectory = "vcs:localdir:context";

    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MostLinks = 5;

    public IEnumerable<KeyValuePair<string, string>> Attributes()
    {
        if (Revision is not null)
        {
            yield return new("vcs:revision", Revision);
        }

        if (Source is not null)
        {
            yield return new("vcs:source", Source);
        }
    }

    /// <summary>Finds the repository of a directory; null when there is none, or it cannot be read.</summary>
    public static GitSource? Of(string directory)
    {
        try
        {
            for (DirectoryInfo? folder = new(directory); folder is not null; folder = folder.Parent)
            {
                string entry = Path.Combine(folder.FullName, ".git");
                if (Directory.Exists(entry))
                {
                    return Read(entry);
                }

                // A work tree or a submodule has a file that points to its repository.
                if (File.Exists(entry) && Text(entry) is { } link && link.StartsWith("gitdir:", StringComparison.Ordinal))
                {
                    return Read(Path.GetFullPath(Path.Combine(folder.FullName, link["gitdir:".Length..].Trim())));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Missing provenance does not fail a build.
        }

        return null;
    }

    /// <summary>An address without its possible secrets: user, password and query.</summary>
    internal static string? WithoutCredentials(string address)
    {
        if (Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" or "ssh" or "git")
        {
            return $"{uri.Scheme}://{uri.Authority[(uri.Authority.LastIndexOf('@') + 1)..]}{uri.AbsolutePath}";
        }

        // git@host:path: the user is no secret, but a part of the address.
        return ScpAddress().IsMatch(address) ? address : null;
    }

    private static GitSource Read(string repository)
    {
        string common = Text(Path.Combine(repository, "commondir")) is { } shared ? Path.GetFullPath(Path.Combine(repository, shared.Trim())) : repository;
        string? config = Text(Path.Combine(common, "config"));
        return new GitSource(Resolve(repository, common, "HEAD", MostLinks), config is null ? null : RemoteIn(config));
    }

    private static string? Resolve(string repository, string common, string name, int linksLeft)
    {
        string? text = (Text(Path.Combine(repository, name)) ?? Text(Path.Combine(common, name)))?.Trim();
        if (text is not null && text.StartsWith("ref:", StringComparison.Ordinal))
        {
            string target = text["ref:".Length..].Trim();
            return linksLeft > 0 && target.StartsWith("refs/", StringComparison.Ordinal) && !target.Contains("..", StringComparison.Ordinal)
                ? Resolve(repository, common, target, linksLeft - 1)
                : null;
        }

        text ??= (Text(Path.Combine(common, "packed-refs")) ?? "").Split('\n')
            .FirstOrDefault(line => line.EndsWith(" " + name, StringComparison.Ordinal))?.Split(' ')[0];
        return text is not null && ObjectId().IsMatch(text) ? text : null;
    }

    private static string? RemoteIn(string config)
    {
        Dictionary<string, string> remotes = new(StringComparer.Ordinal);
        string? section = null;
        foreach (string line in config.Split('\n').Select(static l => l.Trim()))
        {
            if (line.StartsWith('['))
            {
                section = RemoteSection().Match(line) is { Success: true } match ? match.Groups[1].Value : null;
            }
            else if (section is not null && UrlLine().Match(line) is { Success: true } url)
            {
                remotes.TryAdd(section, url.Groups[1].Value.Trim('"'));
            }
        }

        string? address = remotes.TryGetValue("origin", out string? origin) ? origin : remotes.Values.FirstOrDefault();
        return address is null ? null : WithoutCredentials(address);
    }

    private static string? Text(string path)
    {
        FileInfo file = new(path);
        return file.Exists && file.Length <= MaxBytes ? File.ReadAllText(path) : null;
    }

    [GeneratedRegex(@"\A[0-9a-f]{40}(?:[0-9a-f]{24})?\z", RegexOptions.CultureInvariant)]
    private static partial Regex ObjectId();

    [GeneratedRegex(@"\A\[remote\s+""([^""]*)""\]", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex RemoteSection();

    [GeneratedRegex(@"\Aurl\s*=\s*(.+)\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex UrlLine();

    [GeneratedRegex(@"\A[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:[^\s]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex ScpAddress();
}
