using OpenCloud.Build.Client.Context;

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
    /// <exception cref="FileNotFoundException">The Dockerfile does not exist.</exception>
    public static ContextSource? DockerfileSourceOf(ImageBuildRequest build, string name)
    {
        if (build.DockerfileText is { } text)
        {
            return MemoryContextSource.FromText(name, DefaultDockerfile, text);
        }

        return IsInFetchedContext(build) ? null : new DockerfileContextSource(name, DockerfileOf(build));
    }

    /// <summary>The Dockerfile's name as the frontend and its messages give it.</summary>
    public static string DockerfileNameOf(ImageBuildRequest build)
    {
        if (build.DockerfileText is not null)
        {
            return DefaultDockerfile;
        }

        return IsInFetchedContext(build) ? build.DockerfilePath ?? DefaultDockerfile : Path.GetFileName(DockerfileOf(build));
    }

    /// <summary>The Dockerfile's path, for a build whose Dockerfile is a file of this machine.</summary>
    public static string DockerfilePathOf(ImageBuildRequest build) => DockerfileOf(build);

    /// <summary>Says why the daemon did not find a file of the context.</summary>
    /// <param name="build">The build.</param>
    /// <param name="missing">The path as the daemon names it, from the context's root.</param>
    /// <returns>A sentence or two; null when nothing can be said, as of a path with wildcards.</returns>
    public static string? Explain(ImageBuildRequest build, string missing)
    {
        string relative = missing.TrimStart('/');
        if (!IsDirectory(build) || relative.Length == 0 || relative.AsSpan().IndexOfAny("*?[") >= 0)
        {
            return null;
        }

        (string? ignorePath, IgnoreFile? ignore) = ReadIgnoreFile(build);
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

    // A path from the root is a file of this machine, whatever the context is.
    private static bool IsInFetchedContext(ImageBuildRequest build)
        => !IsDirectory(build) && !Path.IsPathRooted(build.DockerfilePath ?? string.Empty);

    private static string DockerfileOf(ImageBuildRequest build)
    {
        if (build.DockerfilePath is { } given)
        {
            return given;
        }

        // The frontend, too, takes the name in lower case where the usual one is not there.
        string usual = Path.Combine(build.ContextPath, DefaultDockerfile);
        string lower = Path.Combine(build.ContextPath, "dockerfile");
        return !File.Exists(usual) && File.Exists(lower) ? lower : usual;
    }

    private static (string? Path, IgnoreFile? File) ReadIgnoreFile(ImageBuildRequest build)
    {
        List<string> places = build.DockerfileText is null ? [DockerfileOf(build) + IgnoreName] : [];
        places.Add(Path.Combine(build.ContextPath, IgnoreName));
        foreach (string place in places)
        {
            try
            {
                return (place, IgnoreFile.Parse(File.ReadAllBytes(place)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ContextException)
            {
                // Only an explanation is lost.
            }
        }

        return (null, null);
    }
}
