using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>
/// The files of a zip, one after the other. .NET's ZipArchive holds the whole directory in memory, which a file of any size may fill.
/// </summary>
/// <remarks>PKWARE, APPNOTE.TXT 6.3.10: 4.3.7 (local headers), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end), 4.5.3 (zip64).</remarks>
internal sealed class ZipEntries(SafeFileHandle file, Func<string, Exception> fail)
{
    private const uint EndSignature = 0x06054B50;
    private const uint Zip64LocatorSignature = 0x07064B50;
    private const uint Zip64EndSignature = 0x06064B50;
    private const uint HeaderSignature = 0x02014B50;
    private const uint LocalSignature = 0x04034B50;
    private const int EndLength = 22;
    private const int LocatorLength = 20;
    private const int HeaderLength = 46;
    private const int LocalLength = 30;
    private const ushort Zip64Extra = 1;
    private const ushort Encrypted = 1;

    private readonly long _length = RandomAccess.GetLength(file);

    // Files of their own are not larger than the zip. Those that share their bytes could unpack to any size.
    private long _left = RandomAccess.GetLength(file);

    /// <summary>Whether a file begins as a zip does, an empty one included.</summary>
    public static bool IsZip(SafeFileHandle file)
    {
        Span<byte> start = stackalloc byte[4];
        return RandomAccess.Read(file, start, 0) == 4 && BinaryPrimitives.ReadUInt32LittleEndian(start) is LocalSignature or EndSignature;
    }

    /// <summary>The names of the files, and their contents, unpacked.</summary>
    public IEnumerable<(string Name, Stream Content)> Read()
    {
        (long count, long at) = FindDirectory();
        for (long i = 0; i < count; i++)
        {
            byte[] header = ReadAt(at, HeaderLength);
            int nameLength = U16(header, 28);
            int extraLength = U16(header, 30);
            if (U32(header, 0) != HeaderSignature)
            {
                throw fail("its directory is damaged");
            }

            byte[] rest = ReadAt(at + HeaderLength, nameLength + extraLength);
            at += HeaderLength + nameLength + extraLength + U16(header, 32);
            string name = Encoding.UTF8.GetString(rest, 0, nameLength);
            if (!name.EndsWith('/'))
            {
                yield return (name, Open(header, rest.AsSpan(nameLength)));
            }
        }
    }

    private Stream Open(byte[] header, ReadOnlySpan<byte> extra)
    {
        if ((U16(header, 8) & Encrypted) != 0)
        {
            throw fail("it is encrypted");
        }

        (long packed, long offset) = Wide(header, extra);
        byte[] local = ReadAt(offset, LocalLength);
        long start = offset + LocalLength + U16(local, 26) + U16(local, 28);
        if (U32(local, 0) != LocalSignature || start > _length || packed > _length - start)
        {
            throw fail("its directory is damaged");
        }

        if ((_left -= packed + LocalLength) < 0)
        {
            throw fail("its files overlap");
        }

        FileSliceStream content = new(file, start, packed);
        return U16(header, 10) switch
        {
            0 => content,
            8 => new DeflateStream(content, CompressionMode.Decompress),
            ushort method => throw fail($"it is packed with the method {method}"),
        };
    }

    // Sizes and offsets that need more than 32 bits are in an extra field, in a fixed order.
    private (long Packed, long Offset) Wide(byte[] header, ReadOnlySpan<byte> extra)
    {
        ulong packed = U32(header, 20);
        ulong unpacked = U32(header, 24);
        ulong offset = U32(header, 42);
        while (extra.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4)
            {
                break;
            }

            ReadOnlySpan<byte> field = extra.Slice(4, length);
            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) == Zip64Extra)
            {
                Take(ref unpacked, ref field);
                Take(ref packed, ref field);
                Take(ref offset, ref field);
            }

            extra = extra[(4 + length)..];
        }

        return packed > (ulong)_length || offset > (ulong)_length ? throw fail("its directory is damaged") : ((long)packed, (long)offset);

        static void Take(ref ulong value, ref ReadOnlySpan<byte> field)
        {
            if (value == uint.MaxValue && field.Length >= 8)
            {
                value = BinaryPrimitives.ReadUInt64LittleEndian(field);
                field = field[8..];
            }
        }
    }

    private (long Count, long Offset) FindDirectory()
    {
        int tail = (int)Math.Min(_length, EndLength + ushort.MaxValue);
        byte[] bytes = ReadAt(_length - tail, tail);
        for (int i = tail - EndLength; i >= 0; i--)
        {
            if (U32(bytes, i) == EndSignature && i + EndLength + U16(bytes, i + 20) == tail)
            {
                long end = _length - tail + i;
                return end >= LocatorLength && ReadAt(end - LocatorLength, LocatorLength) is var locator && U32(locator, 0) == Zip64LocatorSignature
                    ? FindWideDirectory(U64(locator, 8))
                    : (U16(bytes, i + 10), U32(bytes, i + 16));
            }
        }

        throw fail("the end of its directory is missing");
    }

    private (long Count, long Offset) FindWideDirectory(ulong at)
    {
        const int WideLength = 56;
        byte[] end = at <= (ulong)_length ? ReadAt((long)at, WideLength) : [];
        ulong count = end.Length == 0 ? 0 : U64(end, 32);
        ulong offset = end.Length == 0 ? 0 : U64(end, 48);
        return end.Length == 0 || U32(end, 0) != Zip64EndSignature || count > (ulong)_length || offset > (ulong)_length
            ? throw fail("the end of its directory is damaged")
            : ((long)count, (long)offset);
    }

    private byte[] ReadAt(long offset, int length)
    {
        byte[] bytes = new byte[length];
        int read = 0;
        while (read < length)
        {
            int count = offset >= 0 && offset <= _length ? RandomAccess.Read(file, bytes.AsSpan(read), offset + read) : 0;
            read += count > 0 ? count : throw fail("it ends within its directory");
        }

        return bytes;
    }

    private static ushort U16(byte[] bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static ulong U64(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
}
