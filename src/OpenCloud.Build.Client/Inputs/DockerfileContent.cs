using System.Text;
using OpenCloud.Build.Client.Context.Tree;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// A build's Dockerfile and the ignore file that belongs to it, read once: what is checked here and what the engine gets are the same bytes, and
/// a pipe has them only once.
/// </summary>
/// <remarks>
/// What the caller named is read wherever it is and whatever it is. What nobody named, <c>Dockerfile</c> in the context and an ignore file beside
/// any Dockerfile, may not lead out by a link: a context is not always its builder's own.
/// </remarks>
internal sealed class DockerfileContent
{
    /// <summary>The most bytes of a Dockerfile or of an ignore file.</summary>
    public const int MaxSize = 16 * 1024 * 1024;

    private const string IgnoreSuffix = ".dockerignore";

    // The frontend, too, takes the second where the first is not there.
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

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>The name that the frontend and its messages give it.</summary>
    public string Name { get; }

    /// <summary>The bytes as they were read.</summary>
    public ReadOnlyMemory<byte> Bytes => _dockerfile.Bytes;

    /// <summary>The text.</summary>
    public string Text => Encoding.UTF8.GetString(_dockerfile.Bytes);

    /// <summary>The ignore file of this Dockerfile alone; null when there is none.</summary>
    public ReadOnlyMemory<byte>? IgnoreBytes => _ignore is { } ignore ? new ReadOnlyMemory<byte>(ignore.Bytes) : default(ReadOnlyMemory<byte>?);

    /// <summary>Where the ignore file of this Dockerfile alone would be.</summary>
    public string IgnorePath => Path + IgnoreSuffix;

    /// <summary>Reads the Dockerfile of a build.</summary>
    /// <returns>Null when its text was given, or when it is part of a context that is not a directory of this machine.</returns>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="LinkLeavesRootException">It is a link out of the context, and nobody named it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static DockerfileContent? Of(ImageBuildRequest build, CancellationToken cancellationToken)
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

    /// <summary>Reads the file that a caller named.</summary>
    /// <param name="path">The absolute path.</param>
    /// <param name="context">The context's directory.</param>
    /// <param name="cancellationToken">Ends the waiting for the writer of a pipe.</param>
    /// <inheritdoc cref="Of" path="/exception"/>
    public static DockerfileContent Named(string path, string context, CancellationToken cancellationToken)
    {
        FileContent dockerfile = Reading(path, () => InputFile.ReadNamed(path, MaxSize, cancellationToken));
        if (!dockerfile.IsRegular)
        {
            return new DockerfileContent(path, dockerfile, null);
        }

        // An ignore file of the context may be a link to another one in it.
        string relative = System.IO.Path.GetRelativePath(context, path);
        bool isInside = !System.IO.Path.IsPathRooted(relative) && relative != ".." && !relative.StartsWith("../", StringComparison.Ordinal);
        (string root, string name) = isInside ? (context, relative) : (System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path));
        return new DockerfileContent(path, dockerfile, ReadIgnoreFile(root, name));
    }

    /// <summary>Reads the Dockerfile that a context has when nobody named one; null when there is none.</summary>
    /// <inheritdoc cref="Of" path="/exception"/>
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

    /// <summary>The directory that the engine finds it in.</summary>
    public ContextSource ToSource(string name)
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
