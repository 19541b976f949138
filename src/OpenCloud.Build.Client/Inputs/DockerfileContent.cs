using System.Text;
using OpenCloud.Build.Client.Context.Tree;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// A build's Dockerfile and its own ignore file, read once: the local checks and the engine see the same bytes, and a pipe can be read only
/// once.
/// </summary>
/// <remarks>
/// A Dockerfile that the caller named is read wherever and whatever it is, a pipe included. <c>Dockerfile</c> in the context and an ignore file
/// beside any Dockerfile are not named by the caller, and must not be links that leave the directory: the context may belong to somebody else.
/// </remarks>
public sealed class DockerfileContent
{
    /// <summary>The largest size of a Dockerfile or an ignore file, in bytes.</summary>
    public const int MaxSize = 16 * 1024 * 1024;

    private const string IgnoreSuffix = ".dockerignore";

    // As in the frontend, the second is the fallback of the first.
    private static readonly string[] UsualNames = ["Dockerfile", "dockerfile"];

    private readonly FileContent _dockerfile;
    private readonly FileContent? _ignore;

    private DockerfileContent(string path, FileContent dockerfile, FileContent? ignore)
    {
        Path = path;
        Name = dockerfile.IsRegular ? System.IO.Path.GetFileName(path) : UsualNames[0];
        _dockerfile = dockerfile;
        _ignore = ignore;
    }

    /// <summary>The Dockerfile's full path.</summary>
    public string Path { get; }

    /// <summary>The Dockerfile's bytes.</summary>
    public ReadOnlyMemory<byte> Bytes => _dockerfile.Bytes;

    /// <summary>The Dockerfile's text, as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(_dockerfile.Bytes);

    /// <summary>The name under which the engine receives it.</summary>
    internal string Name { get; }

    /// <summary>The Dockerfile-specific ignore file; null when there is none.</summary>
    internal ReadOnlyMemory<byte>? IgnoreBytes => _ignore is { } ignore ? new ReadOnlyMemory<byte>(ignore.Bytes) : default(ReadOnlyMemory<byte>?);

    internal string IgnorePath => Path + IgnoreSuffix;

    /// <summary>Reads the Dockerfile of a build.</summary>
    /// <returns>Null when the request contains the text, or when the Dockerfile is part of a context that is not a local directory.</returns>
    /// <exception cref="FileNotFoundException">There is no Dockerfile.</exception>
    /// <exception cref="LinkLeavesRootException">A Dockerfile that the caller did not name is a link that leaves the context.</exception>
    /// <exception cref="IOException">The Dockerfile cannot be read.</exception>
    internal static DockerfileContent? Of(ImageBuildRequest build, CancellationToken cancellationToken)
    {
        if (build.DockerfileContent is { } ready)
        {
            return ready;
        }

        if (build.DockerfileText is not null || BuildContext.IsDockerfileFetched(build))
        {
            return null;
        }

        return build.DockerfilePath is { } named
            ? Named(System.IO.Path.GetFullPath(named), build.ContextPath, cancellationToken)
            : Usual(build.ContextPath) ?? throw Missing(System.IO.Path.Join(build.ContextPath, UsualNames[0]));
    }

    /// <summary>Reads the Dockerfile at an absolute path that the caller named.</summary>
    /// <param name="path">The path.</param>
    /// <param name="context">The context's directory: an ignore file below it may be a link to another of its files.</param>
    /// <param name="cancellationToken">Ends the wait for a pipe.</param>
    /// <exception cref="FileNotFoundException">There is no Dockerfile.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static DockerfileContent Named(string path, string context, CancellationToken cancellationToken)
    {
        FileContent dockerfile = Reading(path, () => InputFile.ReadNamed(path, MaxSize, cancellationToken));
        if (!dockerfile.IsRegular)
        {
            return new DockerfileContent(path, dockerfile, null);
        }

        // The ignore file may be a link to another file in the context.
        string relative = System.IO.Path.GetRelativePath(context, path);
        bool isInside = !System.IO.Path.IsPathRooted(relative) && relative != ".." && !relative.StartsWith("../", StringComparison.Ordinal);
        (string root, string name) = isInside ? (context, relative) : (System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path));
        return new DockerfileContent(path, dockerfile, ReadIgnoreFile(root, name));
    }

    /// <summary>Reads a context's default Dockerfile; null when there is none.</summary>
    /// <exception cref="IOException">It cannot be read, or is a link that leaves the context.</exception>
    public static DockerfileContent? Usual(string context)
    {
        foreach (string name in UsualNames)
        {
            string path = System.IO.Path.Join(context, name);
            if (Reading(path, () => InputFile.ReadInRoot(context, name, MaxSize)) is { } dockerfile)
            {
                return new DockerfileContent(path, dockerfile, ReadIgnoreFile(context, name));
            }
        }

        return null;
    }

    /// <summary>The directory that the engine receives it in.</summary>
    internal ContextSource ToSource(string name)
    {
        MemoryContextSource source = new(name, []);
        source.Add(Name, _dockerfile);
        if (_ignore is not null)
        {
            source.Add(Name + IgnoreSuffix, _ignore);
        }

        return source;
    }

    private static FileContent? ReadIgnoreFile(string root, string dockerfile)
    {
        string name = dockerfile + IgnoreSuffix;
        return Reading(System.IO.Path.Join(root, name), () => InputFile.ReadInRoot(root, name, MaxSize));
    }

    private static T Reading<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FileNotFoundException)
        {
            throw Missing(path);
        }
        catch (Exception e) when (e is IOException and not LinkLeavesRootException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be read: {e.Message}.", e);
        }
    }

    private static FileNotFoundException Missing(string path) => new($"The Dockerfile '{path}' does not exist.", path);
}
