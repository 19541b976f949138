namespace OpenCloud.Build.Linux;

/// <summary>
/// A place that a user named for a file: what is there decides how it is written. A regular file, or nothing, is replaced whole. A link stays a link: what
/// it leads to is replaced. A device or a named pipe is written through, as a shell does; it is never replaced.
/// </summary>
internal sealed class OutputPlace
{
    private const UnixFileMode Usual = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

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

    /// <summary>Writes the whole content.</summary>
    /// <exception cref="IOException">It cannot be written; what was there is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(ReadOnlySpan<byte> content)
    {
        if (IsSpecial)
        {
            WriteThrough(content);
            return;
        }

        // The folders above are the user's choice, links among them.
        string? folder = RealPaths.Resolve(System.IO.Path.GetDirectoryName(Path)!);
        WholeFile.Write(folder is null ? Path : System.IO.Path.Combine(folder, System.IO.Path.GetFileName(Path)), content, _mode ?? Usual & ~Mask());
    }

    /// <summary>Opens a special place for writing. A pipe that nobody reads is an error and not waited for.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    private void WriteThrough(ReadOnlySpan<byte> content)
    {
        int descriptor = LinuxCalls.Open(
            LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(Path), LinuxCalls.WriteOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal);
        if (descriptor < 0)
        {
            int error = LinuxCalls.LastError;
            throw error == LinuxCalls.NoSuchDeviceOrAddress && IsPipe
                ? new IOException($"Nobody reads from the named pipe '{Path}'.")
                : LinuxCalls.Failure("Cannot write", Path, error);
        }

        using FileStream stream = new(new Microsoft.Win32.SafeHandles.SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Write, 0);
        stream.Write(content);
    }

    private static UnixFileMode Mask()
    {
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(static l => l.StartsWith("Umask:", StringComparison.Ordinal));
        return line is null ? UnixFileMode.None : (UnixFileMode)Convert.ToInt32(line["Umask:".Length..].Trim(), 8);
    }
}
