using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>Reads whole files that come from outside: once, within a bound, and without waiting for what never comes.</summary>
/// <remarks>
/// A file that somebody named may be a pipe or a descriptor (<c>/dev/fd/3</c>, <c>/dev/stdin</c>): its length says nothing and its writer may
/// take its time, so that reading it can be cancelled. A file that nobody named must be a regular one.
/// </remarks>
internal static class InputFile
{
    // Without waiting for a writer and without taking a terminal.
    private const int ReadFlags = LinuxCalls.ReadOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal;

    /// <summary>Reads a file that somebody named; links are followed.</summary>
    /// <param name="path">The file, a named pipe or a descriptor.</param>
    /// <param name="most">The most bytes that are taken.</param>
    /// <param name="cancellationToken">Ends the waiting for the writer of a pipe.</param>
    /// <exception cref="IOException">It is not there, is no file, cannot be read or is larger; the message is a clause without the path.</exception>
    public static FileContent ReadNamed(string path, int most, CancellationToken cancellationToken)
    {
        using SafeFileHandle file = TryOpen(path, ReadFlags) ?? Duplicate(path) ?? throw Failure();
        return Read(file, path, most, isNamed: true, cancellationToken);
    }

    /// <summary>Reads a file of the system's or of the user's that nobody named; links are followed, and it must be a regular file.</summary>
    /// <inheritdoc cref="ReadNamed" path="/param"/>
    /// <inheritdoc cref="ReadNamed" path="/exception"/>
    public static FileContent ReadRegular(string path, int most)
    {
        using SafeFileHandle file = TryOpen(path, ReadFlags) ?? throw Failure();
        return Read(file, path, most, isNamed: false, CancellationToken.None);
    }

    /// <summary>Reads the beginning of a regular file.</summary>
    /// <exception cref="IOException">It is not there, is no regular file, or cannot be read.</exception>
    public static Span<byte> ReadStart(string path, Span<byte> buffer)
    {
        using SafeFileHandle file = TryOpen(path, ReadFlags) ?? throw Failure();
        _ = RegularStatusOf(file, path);
        int length = 0;
        int count;
        while (length < buffer.Length && (count = LinuxCalls.Read(DirectoryWalk.Number(file), buffer[length..])) != 0)
        {
            length += count > 0 ? count : throw Failure();
        }

        return buffer[..length];
    }

    /// <summary>Reads a regular file beneath a directory that nobody named; links are resolved as if the directory were the root.</summary>
    /// <param name="root">The directory.</param>
    /// <param name="name">The file's path in it.</param>
    /// <param name="most">The most bytes that are taken.</param>
    /// <returns>The content; null when there is nothing of that name.</returns>
    /// <exception cref="LinkLeavesRootException">It is a link that does not end in the directory.</exception>
    /// <exception cref="IOException">It is no regular file, cannot be read or is larger.</exception>
    public static FileContent? ReadInRoot(string root, string name, int most)
    {
        using SafeFileHandle directory = TryOpen(root, LinuxCalls.DirectoryOnly) ?? throw Failure();
        using SafeFileHandle? file = RootedPath.Open(directory, name, ReadFlags);
        if (file is not null)
        {
            return Read(file, name, most, isNamed: false, CancellationToken.None);
        }

        int error = LinuxCalls.LastError;
        if (error is not (LinuxCalls.NoEntry or LinuxCalls.NotADirectory or LinuxCalls.TooManyLinks or LinuxCalls.CrossDevice))
        {
            throw Failure();
        }

        string full = Path.Join(root, name);
        return new FileInfo(full).LinkTarget is { } target ? throw new LinkLeavesRootException(full, target, root) : null;
    }

    private static FileContent Read(SafeFileHandle file, string path, int most, bool isNamed, CancellationToken cancellationToken)
    {
        LinuxStat stat = isNamed ? DirectoryWalk.StatusOf(file, path) : RegularStatusOf(file, path);
        if (stat.Type == UnixMode.Directory)
        {
            throw new IOException("it is a directory");
        }

        bool isRegular = stat.Type == UnixMode.Regular;
        return new FileContent(BoundedFile.ReadToEnd(file, stat, most, cancellationToken), isRegular ? stat.ModifiedUnixNanoseconds : 0, isRegular);
    }

    private static SafeFileHandle? TryOpen(string path, int flags) => Handle(LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), flags));

    private static SafeFileHandle? Handle(int descriptor) => descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);

    private static Exception Failure() => LinuxCalls.Clause(LinuxCalls.LastError);

    // A socket cannot be opened a second time through its name in /proc.
    private static SafeFileHandle? Duplicate(string path)
    {
        int error = LinuxCalls.LastError;
        string text = path is "/dev/stdin" ? "0"
            : path.StartsWith("/dev/fd/", StringComparison.Ordinal) ? path["/dev/fd/".Length..]
            : path.StartsWith("/proc/self/fd/", StringComparison.Ordinal) ? path["/proc/self/fd/".Length..]
            : string.Empty;
        if (error == LinuxCalls.NoSuchDeviceOrAddress && int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number))
        {
            return Handle(LinuxCalls.Duplicate(number));
        }

        LinuxCalls.LastError = error;
        return null;
    }

    private static LinuxStat RegularStatusOf(SafeFileHandle file, string path)
    {
        LinuxStat stat = DirectoryWalk.StatusOf(file, path);
        return stat.Type == UnixMode.Regular ? stat : throw new IOException($"it is {UnixMode.Describe(stat.Type)}, not a regular file");
    }
}
