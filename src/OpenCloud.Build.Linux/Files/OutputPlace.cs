using System.Text;

namespace OpenCloud.Build.Linux;

/// <summary>
/// A place that a user named for a file: what is there decides how it is written. A regular file, or nothing, is replaced whole. A link stays a link: what
/// it leads to is replaced. A device or a named pipe is written through, as a shell does; it is never replaced. Every writer of a file that a user
/// named goes through this.
/// </summary>
internal sealed class OutputPlace
{
    private const UnixFileMode Unmasked = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const int ReaderPause = 20;

    private readonly UnixFileMode? _mode;

    private OutputPlace(string path, bool isSpecial, UnixFileMode? mode)
    {
        Path = path;
        IsSpecial = isSpecial;
        _mode = mode;
    }

    /// <summary>The path, with a link in the place followed.</summary>
    public string Path { get; }

    /// <summary>Whether it is a device, a pipe or a socket, which is written to and not replaced.</summary>
    public bool IsSpecial { get; }

    /// <summary>Whether a special place is a named pipe, whose opening waits for a reader.</summary>
    public bool IsPipe { get; private init; }

    /// <summary>The mode of a new file, by the process's mask.</summary>
    public static UnixFileMode UsualMode => Unmasked & ~Mask();

    private UnixFileMode Mode => _mode ?? UsualMode;

    // The folders above are the user's choice, links among them.
    private string RealPath => RealPaths.Resolve(System.IO.Path.GetDirectoryName(Path)!) is { } folder
        ? System.IO.Path.Combine(folder, System.IO.Path.GetFileName(Path))
        : Path;

    /// <summary>Finds out what is at a place.</summary>
    /// <exception cref="IOException">It is a directory, or a link that somebody else has put there.</exception>
    public static OutputPlace Of(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        if (LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(full), 0, out LinuxStat stat) && stat.Type != UnixMode.Regular)
        {
            // By the name as it was given: what /dev/fd/3 leads to has no other.
            return stat.Type == UnixMode.Directory
                ? throw new IOException($"'{path}' is a directory.")
                : new OutputPlace(full, isSpecial: true, null) { IsPipe = stat.Type == UnixMode.NamedPipe };
        }

        if (FileStatus.Read(full) is { Type: InodeType.Symlink } link)
        {
            // A link in a place that is open to others may lead anywhere; root would write there.
            if (link.Uid != 0 && link.Uid != LinuxCalls.EffectiveUserId)
            {
                throw new IOException($"'{path}' is a link that somebody else has put there.");
            }

            full = RealPaths.Resolve(full) ?? new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full;
        }

        return new OutputPlace(full, isSpecial: false, FileStatus.Read(full) is { } status ? (UnixFileMode)(status.Mode & 0x1FF) : null);
    }

    /// <summary>Writes a whole text in UTF-8.</summary>
    /// <inheritdoc cref="Write(ReadOnlySpan{byte}, CancellationToken)" path="/exception"/>
    public void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Writes the whole content.</summary>
    /// <param name="content">The content.</param>
    /// <param name="cancellationToken">Ends the waiting for a slow reader of a pipe.</param>
    /// <exception cref="IOException">It cannot be written; what was there is as it was. A pipe that nobody reads is not waited for.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(ReadOnlySpan<byte> content, CancellationToken cancellationToken = default)
    {
        if (IsSpecial)
        {
            using ThroughStream through = OpenThrough();
            through.Write(content, cancellationToken);
            return;
        }

        using StagedFile file = Stage();
        file.Stream.Write(content);
        file.Publish();
    }

    /// <summary>Begins the file that replaces what is in a place that is not special.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public StagedFile Stage() => StagedFile.Create(RealPath, Mode);

    /// <summary>Opens a special place for writing. A pipe that nobody reads is an error and not waited for.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public ThroughStream OpenThrough() => ThroughStream.TryOpen(Path, IsPipe) ?? throw new IOException($"Nobody reads from the named pipe '{Path}'.");

    /// <summary>Opens a special place for writing, and waits for the reader of a pipe.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public async Task<ThroughStream> OpenThroughAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (ThroughStream.TryOpen(Path, IsPipe) is { } stream)
            {
                return stream;
            }

            await Task.Delay(ReaderPause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Opens and closes a pipe that was never written to, so that a reader who waits for a writer goes on.</summary>
    public void LetReaderGo()
    {
        try
        {
            ThroughStream.TryOpen(Path, IsPipe)?.Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is gone, and with it those who waited.
        }
    }

    /// <summary>
    /// Opens what grows while others read it, a log: a special place is written through; a file is emptied and stays the file it is, so that
    /// those who follow it go on.
    /// </summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public Stream OpenGrowing()
    {
        if (IsSpecial)
        {
            return OpenThrough();
        }

        FileStream file = OwnFile.Open(RealPath, Mode);
        file.SetLength(0);
        return file;
    }

    private static UnixFileMode Mask()
    {
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(static l => l.StartsWith("Umask:", StringComparison.Ordinal));
        return line is null ? UnixFileMode.None : (UnixFileMode)Convert.ToInt32(line["Umask:".Length..].Trim(), 8);
    }
}
