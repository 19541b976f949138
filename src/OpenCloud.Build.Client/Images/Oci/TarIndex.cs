using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>
/// Finds the regular files of a tar: path, offset and length. Reads ustar, pax and GNU long names; every length is checked
/// against the file, so that a header can cause neither large allocations nor reads past the end.
/// </summary>
/// <remarks>Format: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".</remarks>
internal static class TarIndex
{
    private const int BlockSize = 512;
    private const int MaxEntries = 1_000_000;
    private const int MaxExtendedHeader = 1024 * 1024;

    // No path in an image's archive is this long; gzip makes a kilobyte of a name of a megabyte.
    private const int MaxName = 4096;

    // The memory for the names of all entries: enough for a quarter of a million contents.
    private const long MaxNames = 64L * 1024 * 1024;
    private const int EntryOverhead = 128;

    public static Dictionary<string, (long Offset, long Length)> Read(SafeFileHandle handle, string location)
    {
        Dictionary<string, (long Offset, long Length)> files = new(StringComparer.Ordinal);
        Dictionary<string, string> links = new(StringComparer.Ordinal);
        long end = RandomAccess.GetLength(handle);
        Span<byte> header = stackalloc byte[BlockSize];
        string? longName = null;
        string? longLink = null;
        long? paxSize = null;
        long position = 0;
        long names = 0;
        for (int entries = 0; position + BlockSize <= end; entries++)
        {
            ReadExactly(handle, header, position, location);
            if (!header.ContainsAnyExcept((byte)0))
            {
                break;
            }

            CheckSum(header, position, location);
            if (entries == MaxEntries)
            {
                throw new OciFormatException($"'{location}' has more than {MaxEntries} entries.");
            }

            position += BlockSize;
            char type = (char)header[156];
            long size = ParseNumber(header.Slice(124, 12), location);
            // The pax size applies when a file is too large for the field; extension headers keep their own size.
            if (type is not ('x' or 'g' or 'L' or 'K') && paxSize is { } large)
            {
                size = large;
            }

            if (size < 0 || size > end - position)
            {
                throw new OciFormatException($"'{location}' is truncated: an entry at {position - BlockSize} has {size} bytes, but {end - position} are left.");
            }

            switch (type)
            {
                case 'x' or 'g':
                    byte[] pax = ReadText(handle, position, size, location);
                    if (type == 'x')
                    {
                        ReadPax(pax, location, ref longName, ref longLink, ref paxSize);
                    }

                    break;
                case 'L':
                    longName = Name(ReadText(handle, position, size, location));
                    break;
                case 'K':
                    longLink = Name(ReadText(handle, position, size, location));
                    break;
                default:
                    string? path = Normalize(longName ?? HeaderName(header));
                    if (path is not null && (names += EntryOverhead + (2 * (path.Length + (longLink?.Length ?? 0)))) > MaxNames)
                    {
                        throw new OciFormatException($"'{location}' has more than {MaxNames >> 20} MiB of entry names.");
                    }

                    if (path is not null && (type is '0' or '\0' or '7'))
                    {
                        // Two files of one name: which one counts depends on the reader. Below the top level every content is verified
                        // against its digest, and some tools write a layer twice.
                        if (!files.TryAdd(path, (position, size)) && !path.Contains('/', StringComparison.Ordinal))
                        {
                            throw new OciFormatException($"'{location}' contains '{path}' twice.");
                        }
                    }
                    else if (path is not null && (type is '1' or '2'))
                    {
                        string target = longLink ?? Text(header.Slice(157, 100));
                        links[path] = type == '1' ? target : Beside(path, target);
                    }

                    longName = longLink = null;
                    paxSize = null;
                    break;
            }

            position += (size + BlockSize - 1) / BlockSize * BlockSize;
        }

        // docker save of older engines links a layer that occurs twice; only links within the tar are followed.
        foreach ((string? path, string? target) in links)
        {
            if (Normalize(target) is { } inside && files.TryGetValue(inside, out (long Offset, long Length) file))
            {
                files.TryAdd(path, file);
            }
        }

        return files;
    }

    private static void ReadExactly(SafeFileHandle handle, Span<byte> buffer, long position, string location)
    {
        while (buffer.Length > 0)
        {
            int read = RandomAccess.Read(handle, buffer, position);
            if (read == 0)
            {
                throw new OciFormatException($"'{location}' is truncated at {position}.");
            }

            buffer = buffer[read..];
            position += read;
        }
    }

    private static byte[] ReadText(SafeFileHandle handle, long position, long size, string location)
    {
        if (size > MaxExtendedHeader)
        {
            throw new OciFormatException($"'{location}' has an extended header of {size} bytes; the limit is {MaxExtendedHeader}.");
        }

        byte[] bytes = new byte[size];
        ReadExactly(handle, bytes, position, location);
        return bytes;
    }

    private static void ReadPax(ReadOnlySpan<byte> records, string location, ref string? path, ref string? link, ref long? size)
    {
        while (records.Length > 0)
        {
            int space = records.IndexOf((byte)' ');
            if (space <= 0
                || !int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                || length <= space + 1 || length > records.Length || records[length - 1] != '\n')
            {
                throw new OciFormatException($"'{location}' has a malformed pax header.");
            }

            ReadOnlySpan<byte> record = records[(space + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals > 0)
            {
                ReadOnlySpan<byte> value = record[(equals + 1)..];
                if (record[..equals].SequenceEqual("path"u8))
                {
                    path = Name(value);
                }
                else if (record[..equals].SequenceEqual("linkpath"u8))
                {
                    link = Name(value);
                }
                else if (record[..equals].SequenceEqual("size"u8))
                {
                    size = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                        ? number
                        : throw new OciFormatException($"'{location}' has a malformed pax size.");
                }
            }

            records = records[length..];
        }
    }

    private static void CheckSum(ReadOnlySpan<byte> header, long position, string location)
    {
        long sum = 0L;
        for (int i = 0; i < header.Length; i++)
        {
            sum += i is >= 148 and < 156 ? ' ' : header[i];
        }

        if (sum != ParseNumber(header.Slice(148, 8), location))
        {
            throw new OciFormatException($"'{location}' is not a tar archive: the header at {position} has a wrong checksum.");
        }
    }

    private static long ParseNumber(ReadOnlySpan<byte> field, string location)
    {
        // GNU's base 256 for sizes that octal digits cannot hold.
        if ((field[0] & 0x80) != 0)
        {
            long binary = field[0] & 0x7f;
            foreach (byte b in field[1..])
            {
                if (binary >> 55 != 0)
                {
                    throw new OciFormatException($"'{location}' has a number that is too large.");
                }

                binary = (binary << 8) | b;
            }

            return binary;
        }

        long value = 0;
        foreach (byte b in field.Trim(" \0"u8))
        {
            if (b is < (byte)'0' or > (byte)'7')
            {
                throw new OciFormatException($"'{location}' is not a tar archive, or has a malformed number.");
            }

            value = (value << 3) | (uint)(b - '0');
        }

        return value;
    }

    // A name that is too long counts as none: no file of an image has it.
    private static string Name(ReadOnlySpan<byte> bytes) => bytes.Length > MaxName ? "/" : Encoding.UTF8.GetString(bytes.TrimEnd((byte)0));

    private static string HeaderName(ReadOnlySpan<byte> header)
    {
        string name = Text(header[..100]);
        string prefix = header.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(header.Slice(345, 155)) : string.Empty;
        return prefix.Length > 0 ? $"{prefix}/{name}" : name;
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    private static string Beside(string path, string target)
    {
        int slash = path.LastIndexOf('/');
        return slash < 0 || target.StartsWith('/') ? target : $"{path[..slash]}/{target}";
    }

    // A path that leads out of the tar gets null; "./" and ".." within it are resolved.
    private static string? Normalize(string path)
    {
        if (path.StartsWith('/'))
        {
            return null;
        }

        List<string> parts = new();
        foreach (string part in path.Split('/'))
        {
            if (part is "" or ".")
            {
                continue;
            }

            if (part == "..")
            {
                if (parts.Count == 0)
                {
                    return null;
                }

                parts.RemoveAt(parts.Count - 1);
                continue;
            }

            parts.Add(part);
        }

        return parts.Count == 0 ? null : string.Join('/', parts);
    }
}
