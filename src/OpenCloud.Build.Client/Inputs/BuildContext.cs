using System.Text;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Ignore;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Failures;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>The directories that a build offers to the daemon: the context, and separately the Dockerfile.</summary>
/// <remarks>
/// The names are those that BuildKit's Dockerfile frontend requests (moby/buildkit, frontend/dockerui/context.go). The Dockerfile has its own
/// directory, so that a Dockerfile outside the context exposes nothing else of its folder to the daemon.
/// </remarks>
internal static class BuildContext
{
    public const string DefaultDockerfile = "Dockerfile";
    private const string IgnoreName = ".dockerignore";

    // Limits the memory for an explanation: each rule of a larger file would take a hundred times its length.
    private const int MaxExplained = 512 * 1024;

    /// <summary>The Dockerfile's directory; null when the Dockerfile is part of a context that is not a directory.</summary>
    public static ContextSource? DockerfileSourceOf(ImageBuildRequest build, DockerfileContent? dockerfile, string name)
        => build.DockerfileText is { } text ? MemoryContextSource.FromText(name, DefaultDockerfile, text) : dockerfile?.ToSource(name);

    public static string DockerfileNameOf(ImageBuildRequest build, DockerfileContent? dockerfile)
        => build.DockerfileText is not null ? DefaultDockerfile : dockerfile?.Name ?? build.DockerfilePath ?? DefaultDockerfile;

    /// <summary>Whether the Dockerfile is part of an archive or of a remote context. An absolute path always means a local file.</summary>
    public static bool IsDockerfileFetched(ImageBuildRequest build)
        => !IsDirectory(build) && !Path.IsPathRooted(build.DockerfilePath ?? string.Empty);

    /// <summary>Explains why the daemon did not find a path, as it names it from the root of the context; the path may have wildcards.</summary>
    /// <returns>One or two sentences; null when there is no explanation.</returns>
    public static string? Explain(ImageBuildRequest build, DockerfileContent? dockerfile, string missing)
    {
        string relative = missing.TrimStart('/');
        if (!IsDirectory(build) || relative.Length == 0)
        {
            return null;
        }

        (string? ignorePath, IgnoreFile? ignore) = ReadIgnoreFile(build, dockerfile);
        bool hasWildcard = NameMatch.HasWildcard(Encoding.UTF8.GetBytes(relative));
        List<string> found = hasWildcard ? ContextSearch.Find(build.ContextPath, relative) : [relative];
        foreach (string path in found)
        {
            if (ignore?.Explain(path) is { IsExcluded: true, Rule: { } rule })
            {
                string subject = hasWildcard ? $"'{path}', which '{relative}' matches," : $"'{path}'";
                return $"{subject} is excluded by line {rule.Line} of '{ignorePath}': {rule.Text}";
            }
        }

        string full = Path.GetFullPath(Path.Combine(build.ContextPath, relative));
        return hasWildcard
            ? found.Count == 0 ? $"Nothing in the context '{build.ContextPath}' matches '{relative}'." : null
            : !Path.Exists(full) && !File.Exists(full) ? $"'{relative}' does not exist in the context '{build.ContextPath}'." : null;
    }

    /// <summary>Finds the ignore rule that made a build fail, because it is invalid.</summary>
    public static (string Message, string File, int Line)? FindBadRule(
        ImageBuildRequest build, DockerfileContent? dockerfile, BuildFailureKind kind, string text, Exception? contextFailure)
    {
        bool isPattern = contextFailure is ContextException { Kind: ContextErrorKind.BadPattern }
            || (kind is BuildFailureKind.Other or BuildFailureKind.ContextFailed or BuildFailureKind.DockerfileInvalid
                && (text.Contains("dockerignore", StringComparison.Ordinal) || text.Contains("pattern", StringComparison.Ordinal)));
        if (!isPattern || !IsDirectory(build))
        {
            return null;
        }

        string? place = null;
        try
        {
            (place, ReadOnlyMemory<byte>? content) = IgnoreBytes(build, dockerfile);
            if (content is null)
            {
                return null;
            }

            // Some rules prove invalid only when they are matched with a path; the failure then repeats them.
            IgnoreFile file = IgnoreFile.Parse(content.Value.Span);
            return file.Rules.FirstOrDefault(r => contextFailure?.Message.Contains($"'{r.Pattern.TrimStart('!')}'", StringComparison.Ordinal) == true) is { } rule
                ? ($"Line {rule.Line} of '{place}' is invalid: {contextFailure!.Message}", place, rule.Line)
                : null;
        }
        catch (ContextException e) when (e.Line is { } line && place is not null)
        {
            return (e.Message.Replace("the ignore file", $"'{place}'", StringComparison.Ordinal), place, line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ContextException)
        {
            // Only the explanation is lost.
            return null;
        }
    }

    private static bool IsDirectory(ImageBuildRequest build) => !ContextLocation.IsAddress(build.ContextPath) && !File.Exists(build.ContextPath);

    private static (string Path, ReadOnlyMemory<byte>? Content) IgnoreBytes(ImageBuildRequest build, DockerfileContent? dockerfile)
    {
        if (dockerfile?.IgnoreBytes is { } own)
        {
            return (dockerfile.IgnorePath, own.Length <= MaxExplained ? own : default(ReadOnlyMemory<byte>?));
        }

        // Not null, which would convert to an empty memory by way of an array.
        FileContent? content = InputFile.ReadInRoot(build.ContextPath, IgnoreName, MaxExplained);
        return (Path.Combine(build.ContextPath, IgnoreName), content is null ? default(ReadOnlyMemory<byte>?) : new ReadOnlyMemory<byte>(content.Bytes));
    }

    private static (string? Path, IgnoreFile? File) ReadIgnoreFile(ImageBuildRequest build, DockerfileContent? dockerfile)
    {
        try
        {
            (string place, ReadOnlyMemory<byte>? content) = IgnoreBytes(build, dockerfile);
            return content is { } bytes ? (place, IgnoreFile.Parse(bytes.Span)) : (null, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ContextException)
        {
            // Only the explanation is lost.
            return (null, null);
        }
    }
}
