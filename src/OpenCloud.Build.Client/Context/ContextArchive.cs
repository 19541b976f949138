using System.Formats.Tar;
using System.IO.Compression;

namespace OpenCloud.Build.Client.Context;

/// <summary>A context as a tar archive.</summary>
/// <remarks>
/// The frontend unpacks what it recognizes by its first bytes: gzip, bzip2, xz or a tar header (moby/buildkit,
/// frontend/dockerui/context.go). It takes anything else for a Dockerfile, whose parse error explains nothing.
/// </remarks>
internal static class ContextArchive
{
    private const int BlockSize = 512;
    private const int LongestText = 16 * 1024 * 1024;
    private const int ChecksumOffset = 148;
    private const int ChecksumSize = 8;
    private const int TypeOffset = 156;

    /// <summary>Checks that a file is an archive that engines unpack.</summary>
    /// <exception cref="InvalidDataException">It is not such an archive; the message says how an engine interprets it.</exception>
    public static void Check(string path)
    {
        Span<byte> head = ReadHead(path, stackalloc byte[BlockSize]);
        if (!IsArchive(head))
        {
            throw new InvalidDataException(head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD])
                ? $"The context '{path}' is compressed with zstd, which engines do not support; use gzip, bzip2 or xz."
                : $"The context '{path}' is a file, but not a tar archive (plain, gzip, bzip2 or xz). A context is a directory, such an archive, or a URL.");
        }
    }

    public static bool IsArchive(string path) => IsArchive(ReadHead(path, stackalloc byte[BlockSize]));

    /// <summary>
    /// True for a plain archive that engines do not recognize. They read the first kilobyte only and must find an entry in it; an entry that
    /// begins with extended headers (pax) or a long name (GNU) takes more. A gzip-compressed archive is always recognized.
    /// </summary>
    public static bool NeedsWrapping(string path)
    {
        Span<byte> head = ReadHead(path, stackalloc byte[BlockSize]);
        return IsTarHeader(head) && head[TypeOffset] is (byte)'x' or (byte)'g' or (byte)'L' or (byte)'K';
    }

    /// <summary>The text of a file in a plain or gzip-compressed archive; null when it has no such file or another compression.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged.</exception>
    public static string? ReadFile(string path, string name)
    {
        string wanted = name.TrimStart('.', '/');
        using FileStream file = File.OpenRead(path);
        Span<byte> head = stackalloc byte[BlockSize];
        head = head[..file.ReadAtLeast(head, BlockSize, throwOnEndOfStream: false)];
        bool isGzip = head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 0x08]);
        if (!isGzip && !IsTarHeader(head))
        {
            return null;
        }

        file.Position = 0;
        using Stream plain = isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
        using TarReader reader = new(plain);
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.Name.TrimStart('.', '/') == wanted && entry.DataStream is { Length: <= LongestText } data)
            {
                using StreamReader text = new(data);
                return text.ReadToEnd();
            }
        }

        return null;
    }

    private static Span<byte> ReadHead(string path, Span<byte> buffer)
    {
        try
        {
            return InputFile.ReadStart(path, buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be read: {e.Message}.", e);
        }
    }

    private static bool IsArchive(ReadOnlySpan<byte> head) =>
        head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 0x08]) || head.StartsWith("BZh"u8)
        || head.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0x00]) || IsTarHeader(head);

    // A header's checksum is the sum of its bytes with its own field taken as blanks (POSIX pax, "ustar Interchange Format").
    private static bool IsTarHeader(ReadOnlySpan<byte> block)
    {
        if (block.Length < BlockSize)
        {
            return false;
        }

        string digits = System.Text.Encoding.ASCII.GetString(block.Slice(ChecksumOffset, ChecksumSize)).Trim('\0', ' ');
        if (digits.Length == 0 || digits.AsSpan().ContainsAnyExceptInRange('0', '7'))
        {
            return false;
        }

        int expected = Convert.ToInt32(digits, 8);
        int sum = ' ' * ChecksumSize;
        for (int i = 0; i < BlockSize; i++)
        {
            sum += i is >= ChecksumOffset and < ChecksumOffset + ChecksumSize ? 0 : block[i];
        }

        return sum == expected;
    }
}
