using System.Security.Cryptography;

namespace OpenCloud.Build.Linux.Files;

/// <summary>Reads whole files that come from outside: once, within a bound, and without waiting for what never comes.</summary>
/// <remarks>
/// A file that somebody named may be a pipe or a descriptor (<c>/dev/fd/3</c>, <c>/dev/stdin</c>): its length says nothing and its writer may
/// take its time, so that reading it can be cancelled. A file that nobody named must be a regular one.
/// </remarks>
internal static class InputFile
{
    private const int FirstBuffer = 16 * 1024;
    private const int PollMilliseconds = 50;

    /// <summary>Reads a file that somebody named; links are followed.</summary>
    /// <param name="path">The file, a named pipe or a descriptor.</param>
    /// <param name="most">The most bytes that are taken.</param>
    /// <param name="cancellationToken">Ends the waiting for the writer of a pipe.</param>
    /// <exception cref="IOException">It is not there, is no file, cannot be read or is larger; the message is a clause without the path.</exception>
    public static FileContent ReadNamed(string path, int most, CancellationToken cancellationToken)
    {
        using FileDescriptor file = FileCalls.Open(FileCalls.CurrentDirectory, path, FileCalls.ReadFlags) ?? Duplicate(path) ?? throw FileCalls.Failure();
        return Read(file, most, isNamed: true, cancellationToken);
    }

    /// <summary>Reads a file of the system's or of the user's that nobody named; links are followed, and it must be a regular file.</summary>
    /// <inheritdoc cref="ReadNamed" path="/param"/>
    /// <inheritdoc cref="ReadNamed" path="/exception"/>
    public static FileContent ReadRegular(string path, int most)
    {
        using FileDescriptor file = FileCalls.Open(FileCalls.CurrentDirectory, path, FileCalls.ReadFlags) ?? throw FileCalls.Failure();
        return Read(file, most, isNamed: false, CancellationToken.None);
    }

    /// <summary>Reads the beginning of a regular file.</summary>
    /// <exception cref="IOException">It is not there, is no regular file, or cannot be read.</exception>
    public static Span<byte> ReadStart(string path, Span<byte> buffer)
    {
        using FileDescriptor file = FileCalls.Open(FileCalls.CurrentDirectory, path, FileCalls.ReadFlags) ?? throw FileCalls.Failure();
        _ = RegularStateOf(file);
        int length = 0;
        int count;
        while (length < buffer.Length && (count = FileCalls.Read(file, buffer[length..])) != 0)
        {
            length += count > 0 ? count : throw FileCalls.Failure();
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
        using FileDescriptor directory = FileCalls.Open(FileCalls.CurrentDirectory, root, FileCalls.DirectoryFlags) ?? throw FileCalls.Failure();
        using FileDescriptor? file = RootedPath.Open(directory, name, FileCalls.ReadFlags);
        if (file is not null)
        {
            return Read(file, most, isNamed: false, CancellationToken.None);
        }

        int error = FileCalls.LastError;
        if (error is not (FileCalls.NoEntry or FileCalls.NotADirectory or FileCalls.TooManyLinks or FileCalls.CrossDevice))
        {
            throw FileCalls.Failure();
        }

        string full = Path.Join(root, name);
        return new FileInfo(full).LinkTarget is { } target ? throw new LinkLeavesRootException(full, target, root) : null;
    }

    private static FileContent Read(FileDescriptor file, int most, bool isNamed, CancellationToken cancellationToken)
    {
        FileState state = isNamed ? FileCalls.StateOf(file) : RegularStateOf(file);
        if (state.IsDirectory)
        {
            throw new IOException("it is a directory");
        }

        if (state.IsRegular && state.Size > most)
        {
            throw TooLarge(most);
        }

        // A length is a hint only: files of /proc have none, and others grow.
        byte[] buffer = new byte[state.IsRegular && state.Size > 0 ? (int)Math.Min(state.Size + 1, most + 1L) : Math.Min(FirstBuffer, most + 1)];
        int length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length)
                {
                    buffer = Grow(buffer, most);
                }

                int count = state.IsRegular ? FileCalls.Read(file, buffer.AsSpan(length)) : ReadWhenReady(file, buffer.AsSpan(length), cancellationToken);
                if (count < 0)
                {
                    throw FileCalls.Failure();
                }

                if (count == 0)
                {
                    return new FileContent(buffer.AsSpan(0, length).ToArray(), state.IsRegular ? state.Modified : 0, state.IsRegular);
                }

                if ((length += count) > most)
                {
                    throw TooLarge(most);
                }
            }
        }
        finally
        {
            // It may be a secret.
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer, int most)
    {
        byte[] larger = new byte[(int)Math.Min(buffer.Length * 2L, most + 1L)];
        buffer.CopyTo(larger, 0);
        CryptographicOperations.ZeroMemory(buffer);
        return larger;
    }

    // A named pipe that has had no writer yet is at its end for read(2), but not for poll(2), which tells of a writer that has gone.
    private static int ReadWhenReady(FileDescriptor file, Span<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!FileCalls.IsReadable(file, PollMilliseconds))
            {
                continue;
            }

            int count = FileCalls.Read(file, buffer);
            if (count >= 0 || FileCalls.LastError != FileCalls.TryAgain)
            {
                return count;
            }
        }
    }

    // A socket cannot be opened a second time through its name in /proc.
    private static FileDescriptor? Duplicate(string path)
    {
        int error = FileCalls.LastError;
        string text = path is "/dev/stdin" ? "0"
            : path.StartsWith("/dev/fd/", StringComparison.Ordinal) ? path["/dev/fd/".Length..]
            : path.StartsWith("/proc/self/fd/", StringComparison.Ordinal) ? path["/proc/self/fd/".Length..]
            : string.Empty;
        if (error == FileCalls.NoDeviceOrAddress && int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number))
        {
            return FileCalls.Duplicate(number);
        }

        FileCalls.LastError = error;
        return null;
    }

    private static FileState RegularStateOf(FileDescriptor file)
    {
        FileState state = FileCalls.StateOf(file);
        return state.IsRegular ? state : throw new IOException($"it is {state.Describe()}, not a regular file");
    }

    private static IOException TooLarge(int most) => new($"it is larger than {most} bytes, the most that is taken");
}
