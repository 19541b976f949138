using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Reads files that somebody else may have put there: no link in the file's own place is followed, only a regular file is read, opening never
/// waits, and no more is read than was allowed. A pipe would hold the reader, /dev/zero would fill memory.
/// </summary>
internal static class BoundedFile
{
    /// <summary>What a text of settings or records may have: far more than any has.</summary>
    public const int TextLimit = 4 * 1024 * 1024;

    private const int Slice = 200;

    /// <summary>Reads a regular file; null when there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">The most bytes it may have.</param>
    /// <param name="followLink">Follows a link in the file's own place, for files whose place only the caller can write to.</param>
    /// <param name="cancellationToken">Stops it between two reads.</param>
    /// <exception cref="IOException">It is something else, or too large.</exception>
    /// <exception cref="UnauthorizedAccessException">It is closed to the caller.</exception>
    public static byte[]? TryRead(string path, int limit = TextLimit, bool followLink = false, CancellationToken cancellationToken = default)
    {
        using SafeFileHandle? file = TryOpen(path, followLink);
        return file is null ? null : ReadAll(file, path, limit, cancellationToken);
    }

    /// <summary>Reads a regular file as UTF-8; null when there is none.</summary>
    public static string? TryReadText(string path, int limit = TextLimit, bool followLink = false, CancellationToken cancellationToken = default)
        => TryRead(path, limit, followLink, cancellationToken) is { } bytes ? Encoding.UTF8.GetString(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(3) : bytes) : null;

    /// <summary>Opens a regular file for reading; null when there is none.</summary>
    /// <exception cref="IOException">It is something else.</exception>
    public static SafeFileHandle? TryOpen(string path, bool followLink = false)
    {
        // Non-blocking: opening a pipe or a device must not wait for its other end. Regular files do not know the difference.
        int flags = LinuxCalls.ReadOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal | (followLink ? 0 : LinuxCalls.NoFollow);
        int descriptor = LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), flags);
        if (descriptor < 0)
        {
            int error = LinuxCalls.LastError;
            return error switch
            {
                LinuxCalls.NoEntry or LinuxCalls.NotADirectory => null,
                LinuxCalls.TooManyLinks => throw new IOException($"'{path}' is a link, and is not read."),
                LinuxCalls.NoSuchDeviceOrAddress or LinuxCalls.NoSuchDevice => throw NotRegular(path),
                _ => throw LinuxCalls.Failure("Cannot read", path, error),
            };
        }

        SafeFileHandle file = new(descriptor, ownsHandle: true);
        try
        {
            return DirectoryWalk.StatusOf(file, path).Type == UnixMode.Regular ? file : throw NotRegular(path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads what the caller itself named and may well be a pipe (<c>/dev/stdin</c>, a shell's <c>&lt;(…)</c>), a link or a device. It waits for
    /// what comes, can be stopped, and takes no more than was allowed.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">The most bytes it may have.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It is a directory or a socket, or too large.</exception>
    public static byte[] ReadNamed(string path, int limit, CancellationToken cancellationToken)
    {
        int descriptor = LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), LinuxCalls.ReadOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal);
        if (descriptor < 0)
        {
            throw LinuxCalls.Failure("Cannot read", path, LinuxCalls.LastError);
        }

        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        return DirectoryWalk.StatusOf(file, path).Type switch
        {
            UnixMode.Directory => throw new IOException($"'{path}' is a directory."),
            _ => ReadAll(file, path, limit, cancellationToken),
        };
    }

    /// <summary>Reads what a descriptor is open on, to its end.</summary>
    /// <exception cref="IOException">It is too large, or cannot be read.</exception>
    public static unsafe byte[] ReadAll(SafeFileHandle file, string path, int limit, CancellationToken cancellationToken)
    {
        int descriptor = DirectoryWalk.Number(file);
        LinuxStat stat = DirectoryWalk.StatusOf(file, path);
        bool regular = stat.Type == UnixMode.Regular;
        if (regular && stat.Size > (ulong)limit)
        {
            throw TooLarge(path, limit);
        }

        // Files of /proc say that they have nothing in them.
        byte[] buffer = new byte[regular && stat.Size > 0 ? (int)stat.Size + 1 : 4096];
        int length = 0;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!regular)
            {
                // A pipe that nobody has opened for writing yet is not at its end: it becomes readable, or is hung up, when somebody was there.
                PollDescriptor waiting = new() { Descriptor = descriptor, Events = LinuxCalls.Readable };
                if (LinuxCalls.Poll(&waiting, 1, Slice) == 0)
                {
                    continue;
                }
            }

            int count = LinuxCalls.Read(descriptor, buffer.AsSpan(length));
            if (count < 0)
            {
                int error = LinuxCalls.LastError;
                if (error == LinuxCalls.TryAgain)
                {
                    continue;
                }

                throw LinuxCalls.Failure("Cannot read", path, error);
            }

            if (count == 0)
            {
                return length == buffer.Length ? buffer : buffer[..length];
            }

            length += count;
            if (length > limit)
            {
                throw TooLarge(path, limit);
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, (long)limit + 1));
            }
        }
    }

    private static IOException NotRegular(string path) => new($"'{path}' is no regular file, and is not read.");

    private static IOException TooLarge(string path, int limit) => new($"'{path}' is larger than {limit:N0} bytes, and is not read.");
}
