using System.Formats.Tar;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>A context as a tar archive.</summary>
/// <remarks>
/// The frontend unpacks what it recognizes by its first bytes: gzip, bzip2, xz or a tar header (moby/buildkit,
/// frontend/dockerui/context.go). Anything else it would take for a Dockerfile, whose parse error explains nothing.
/// </remarks>
internal static class ContextArchive
{
    private const int BlockSize = 512;
    private const int ChecksumOffset = 148;
    private const int ChecksumSize = 8;

    /// <summary>Makes sure that a file is an archive that engines unpack.</summary>
    /// <exception cref="InvalidDataException">It is not; the message says what it is taken for.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static void Check(string path)
    {
        Span<byte> head = stackalloc byte[BlockSize];
        using FileStream file = File.OpenRead(path);
        head = head[..file.ReadAtLeast(head, BlockSize, throwOnEndOfStream: false)];
        if (head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 0x08]) || head.StartsWith("BZh"u8)
            || head.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0x00]) || IsTarHeader(head))
        {
            return;
        }

        throw new InvalidDataException(head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD])
            ? $"The context '{path}' is compressed with zstd, which engines do not unpack; gzip, bzip2 and xz they do."
            : $"The context '{path}' is a file, but no tar archive (plain, gzip, bzip2 or xz). A context is a directory, such an archive, or an address.");
    }

    /// <summary>Whether an archive has a file, as far as this can be said without unpacking other than gzip's compression.</summary>
    public static bool? Contains(string path, string name)
    {
        using FileStream file = File.OpenRead(path);
        int first = file.ReadByte();
        file.Position = 0;
        if (first is 'B' or 0xFD)
        {
            return null;
        }

        using Stream data = first == 0x1F ? new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionMode.Decompress) : file;
        using TarReader reader = new(data);
        try
        {
            while (reader.GetNextEntry() is { } entry)
            {
                string entryName = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (entryName.TrimStart('/') == name)
                {
                    return true;
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            return null;
        }

        return false;
    }

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
