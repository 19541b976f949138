using System.Text;

namespace OpenCloud.Build.Linux;

/// <summary>
/// The place of an output file that the user named. What is there decides how it is written: a regular file is replaced as a whole. A link
/// stays, and its target is replaced. A device or a named pipe is written to, as by a shell, and never replaced. All writers of files that the
/// user named use this class.
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

    public string Path { get; }

    /// <summary>True for a device, a pipe or a socket, which is written to and not replaced.</summary>
    public bool IsSpecial { get; }

    /// <summary>True for a named pipe: opening it waits for a reader.</summary>
    public bool IsPipe { get; private init; }

    /// <summary>The mode of a new file under the process's umask.</summary>
    public static UnixFileMode UsualMode => Unmasked & ~Mask();

    private UnixFileMode Mode => _mode ?? UsualMode;

    // The user chose the folders above, links included.
    private string RealPath => RealPaths.Resolve(System.IO.Path.GetDirectoryName(Path)!) is { } folder
        ? System.IO.Path.Combine(folder, System.IO.Path.GetFileName(Path))
        : Path;

    /// <exception cref="IOException">The place is a directory, or a link that another user has put there.</exception>
    public static OutputPlace Of(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        if (LinuxCalls.TryStat(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(full), 0, out LinuxStat stat) && stat.Type != UnixMode.Regular)
        {
            // Uses the given name: what /dev/fd/3 leads to has no other.
            return stat.Type == UnixMode.Directory
                ? throw new IOException($"'{path}' is a directory.")
                : new OutputPlace(full, isSpecial: true, null) { IsPipe = stat.Type == UnixMode.NamedPipe };
        }

        if (FileStatus.Read(full) is { Type: InodeType.Symlink } link)
        {
            // A link in a directory that others may write to may lead anywhere, and root would write there.
            if (link.Uid != 0 && link.Uid != LinuxCalls.EffectiveUserId)
            {
                throw new IOException($"'{path}' is a symbolic link that another user created.");
            }

            full = RealPaths.Resolve(full) ?? new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full;
        }

        return new OutputPlace(full, isSpecial: false, FileStatus.Read(full) is { } status ? (UnixFileMode)(status.Mode & 0x1FF) : null);
    }

    public void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <exception cref="IOException">The content cannot be written; a regular file stays unchanged. A pipe without a reader fails at once.</exception>
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

    /// <summary>Begins the file that replaces a place that is not special.</summary>
    public StagedFile Stage() => StagedFile.Create(RealPath, Mode);

    /// <summary>Opens a special place for writing. Fails for a pipe without a reader and does not wait.</summary>
    public ThroughStream OpenThrough() => ThroughStream.TryOpen(Path, IsPipe) ?? throw new IOException($"No process reads from the named pipe '{Path}'.");

    /// <summary>Opens a special place for writing. Waits for the reader of a pipe.</summary>
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

    /// <summary>Opens and closes a pipe that was never written to, so that a waiting reader continues.</summary>
    public void LetReaderGo()
    {
        try
        {
            ThroughStream.TryOpen(Path, IsPipe)?.Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The pipe no longer exists, so nobody waits.
        }
    }

    /// <summary>
    /// Opens a file that grows while others read it, such as a log. A special place is written to. A regular file is truncated and keeps its
    /// inode, so that readers who follow it continue.
    /// </summary>
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
