using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>
/// Reads files that another user may have put there. It follows no link in the file's own place, reads only regular files, opens without
/// waiting, and reads at most the given number of bytes. A pipe would block the reader, /dev/zero would fill memory.
/// </summary>
internal static class BoundedFile
{
    /// <summary>The limit for settings and records, far above their usual size.</summary>
    public const int TextLimit = 4 * 1024 * 1024;

    private const int FirstBuffer = 16 * 1024;
    private const int PollMilliseconds = 50;

    /// <remarks>Set <c>followLink</c> only for a file whose place nobody but root and the caller can write to.</remarks>
    /// <exception cref="IOException">The file is not regular, or too large.</exception>
    public static byte[]? TryRead(string path, int limit = TextLimit, bool followLink = false, CancellationToken cancellationToken = default)
    {
        using SafeFileHandle? file = TryOpen(path, followLink);
        return file is null ? null : ReadAll(file, path, limit, cancellationToken);
    }

    public static string? TryReadText(string path, int limit = TextLimit, bool followLink = false, CancellationToken cancellationToken = default)
        => TryRead(path, limit, followLink, cancellationToken) is { } bytes ? Encoding.UTF8.GetString(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(3) : bytes) : null;

    /// <exception cref="IOException">The file is not regular.</exception>
    public static SafeFileHandle? TryOpen(string path, bool followLink = false)
    {
        // Non-blocking: opening a pipe or a device must not wait for its other end. It has no effect on regular files.
        int flags = LinuxCalls.ReadOnly | LinuxCalls.NonBlocking | LinuxCalls.NoControllingTerminal | (followLink ? 0 : LinuxCalls.NoFollow);
        int descriptor = LinuxCalls.Open(LinuxCalls.CurrentDirectory, DirectoryWalk.Terminated(path), flags);
        if (descriptor < 0)
        {
            int error = LinuxCalls.LastError;
            return error switch
            {
                LinuxCalls.NoEntry or LinuxCalls.NotADirectory => null,
                LinuxCalls.TooManyLinks => throw new IOException($"'{path}' is a symbolic link and is not read."),
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

    /// <exception cref="IOException">The file is too large, or cannot be read.</exception>
    public static byte[] ReadAll(SafeFileHandle file, string path, int limit, CancellationToken cancellationToken)
    {
        LinuxStat stat = DirectoryWalk.StatusOf(file, path);
        try
        {
            return ReadToEnd(file, stat, limit, cancellationToken);
        }
        catch (IOException error)
        {
            throw new IOException($"'{path}' cannot be read: {error.Message}.", error);
        }
    }

    /// <summary>Reads an open file to its end. Waits for the writer of a pipe until cancelled.</summary>
    /// <exception cref="IOException">The file is too large, or cannot be read; the message is a clause.</exception>
    public static byte[] ReadToEnd(SafeFileHandle file, in LinuxStat stat, int limit, CancellationToken cancellationToken)
    {
        bool regular = stat.Type == UnixMode.Regular;
        if (regular && stat.Size > (ulong)limit)
        {
            throw TooLarge(limit);
        }

        // The length is a hint only: files of /proc report none, and others grow.
        byte[] buffer = new byte[regular && stat.Size > 0 ? (int)Math.Min((long)stat.Size + 1, limit + 1L) : (int)Math.Min(FirstBuffer, limit + 1L)];
        int length = 0;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (length == buffer.Length)
                {
                    buffer = Grow(buffer, limit);
                }

                int count = regular ? LinuxCalls.Read(DirectoryWalk.Number(file), buffer.AsSpan(length)) : ReadWhenReady(file, buffer.AsSpan(length), cancellationToken);
                if (count < 0)
                {
                    throw LinuxCalls.Clause(LinuxCalls.LastError);
                }

                if (count == 0)
                {
                    return buffer[..length];
                }

                if ((length += count) > limit)
                {
                    throw TooLarge(limit);
                }
            }
        }
        finally
        {
            // The content may be a secret.
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer, int limit)
    {
        byte[] larger = new byte[(int)Math.Min(buffer.Length * 2L, limit + 1L)];
        buffer.CopyTo(larger, 0);
        CryptographicOperations.ZeroMemory(buffer);
        return larger;
    }

    // A named pipe that has had no writer yet is at its end for read(2), but not for poll(2), which reports a writer that has closed it.
    private static unsafe int ReadWhenReady(SafeFileHandle file, Span<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            PollDescriptor waiting = new() { Descriptor = DirectoryWalk.Number(file), Events = LinuxCalls.Readable };
            if (LinuxCalls.Poll(&waiting, 1, PollMilliseconds) <= 0)
            {
                continue;
            }

            int count = LinuxCalls.Read(waiting.Descriptor, buffer);
            if (count >= 0 || LinuxCalls.LastError != LinuxCalls.TryAgain)
            {
                return count;
            }
        }
    }

    private static IOException NotRegular(string path) => new($"'{path}' is not a regular file and is not read.");

    private static IOException TooLarge(int limit) => new($"it is larger than the limit of {limit} bytes");
}
