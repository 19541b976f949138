using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>Reads whole files from outside: once, up to a limit, and without waiting for ever.</summary>
/// <remarks>
/// A file that the user named may be a pipe or a descriptor (<c>/dev/fd/3</c>, <c>/dev/stdin</c>): its length says nothing, and its writer
/// may be slow, so reading it can be cancelled. Any other file must be a regular one.
/// </remarks>
internal static class InputFile
{
    // Opens without waiting for a writer and without taking a controlling terminal.
    private const int ReadFlags = LinuxCalls.ReadOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal;

    /// <summary>Reads a file, named pipe or descriptor that the user named; follows links.</summary>
    /// <exception cref="IOException">
    /// The file does not exist, is no file, cannot be read or is too large; the message is a clause without the path.
    /// </exception>
    public static FileContent ReadNamed(string path, int most, CancellationToken cancellationToken)
    {
        using SafeFileHandle file = TryOpen(path, ReadFlags) ?? Duplicate(path) ?? throw Failure();
        return Read(file, path, most, isNamed: true, cancellationToken);
    }

    /// <summary>Reads a regular file of the system or the user that the user did not name; follows links.</summary>
    /// <inheritdoc cref="ReadNamed" path="/exception"/>
    public static FileContent ReadRegular(string path, int most)
    {
        using SafeFileHandle file = TryOpen(path, ReadFlags) ?? throw Failure();
        return Read(file, path, most, isNamed: false, CancellationToken.None);
    }

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

    /// <summary>Reads a regular file below a directory, which the user did not name; links resolve as if the directory were the root.</summary>
    /// <returns>The content; null when the name does not exist.</returns>
    /// <exception cref="LinkLeavesRootException">The name is a link that does not end inside the directory.</exception>
    /// <exception cref="IOException">The file is not regular, cannot be read or is too large.</exception>
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
