using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Linux.Files;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>What a build declares to the daemon: the context's directory, and the Dockerfile apart from it.</summary>
/// <remarks>
/// The names are those that BuildKit's Dockerfile frontend asks for (moby/buildkit, frontend/dockerui/context.go). The Dockerfile has a
/// directory of its own, so that one outside the context opens nothing else of its folder to the daemon.
/// </remarks>
internal static class BuildContext
{
    private const string DefaultDockerfile = "Dockerfile";
    private const string IgnoreName = ".dockerignore";

    /// <summary>The Dockerfile's directory; null when the Dockerfile is part of a context that is not a directory.</summary>
    /// <param name="build">The build.</param>
    /// <param name="dockerfile">Its Dockerfile, where it is a file of this machine.</param>
    /// <param name="name">The name by which the daemon asks for the directory.</param>
    public static ContextSource? DockerfileSourceOf(ImageBuildRequest build, DockerfileContent? dockerfile, string name)
        => build.DockerfileText is { } text ? MemoryContextSource.FromText(name, DefaultDockerfile, text) : dockerfile?.ToSource(name);

    /// <summary>The Dockerfile's name as the frontend and its messages give it.</summary>
    public static string DockerfileNameOf(ImageBuildRequest build, DockerfileContent? dockerfile)
        => build.DockerfileText is not null ? DefaultDockerfile : dockerfile?.Name ?? build.DockerfilePath ?? DefaultDockerfile;

    /// <summary>Whether the Dockerfile is part of an archive or of what the engine fetches. A path from the root is a file of this machine always.</summary>
    public static bool IsDockerfileFetched(ImageBuildRequest build)
        => !IsDirectory(build) && !Path.IsPathRooted(build.DockerfilePath ?? string.Empty);

    /// <summary>Says why the daemon did not find a file of the context.</summary>
    /// <param name="build">The build.</param>
    /// <param name="dockerfile">Its Dockerfile, where it is a file of this machine.</param>
    /// <param name="missing">The path as the daemon names it, from the context's root.</param>
    /// <returns>A sentence or two; null when nothing can be said, as of a path with wildcards.</returns>
    public static string? Explain(ImageBuildRequest build, DockerfileContent? dockerfile, string missing)
    {
        string relative = missing.TrimStart('/');
        if (!IsDirectory(build) || relative.Length == 0 || relative.AsSpan().IndexOfAny("*?[") >= 0)
        {
            return null;
        }

        (string? ignorePath, IgnoreFile? ignore) = ReadIgnoreFile(build, dockerfile);
        if (ignore?.Explain(relative) is { IsExcluded: true, Rule: { } rule })
        {
            return $"'{relative}' is left out by line {rule.Line} of '{ignorePath}': {rule.Text}";
        }

        string full = Path.GetFullPath(Path.Combine(build.ContextPath, relative));
        if (!Path.Exists(full) && !File.Exists(full))
        {
            return $"There is no '{relative}' in the context '{build.ContextPath}'.";
        }

        return null;
    }

    private static bool IsDirectory(ImageBuildRequest build) => !ContextLocation.IsAddress(build.ContextPath) && !File.Exists(build.ContextPath);

    private static (string? Path, IgnoreFile? File) ReadIgnoreFile(ImageBuildRequest build, DockerfileContent? dockerfile)
    {
        string place = Path.Combine(build.ContextPath, IgnoreName);
        try
        {
            if (dockerfile?.IgnoreBytes is { } own)
            {
                return (dockerfile.IgnorePath, IgnoreFile.Parse(own.Span));
            }

            return InputFile.ReadInRoot(build.ContextPath, IgnoreName, DockerfileContent.MaxSize) is { } content ? (place, IgnoreFile.Parse(content.Bytes)) : (null, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ContextException)
        {
            // Only an explanation is lost.
            return (null, null);
        }
    }
}
