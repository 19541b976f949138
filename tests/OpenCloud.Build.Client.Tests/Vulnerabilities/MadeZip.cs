using System.Buffers.Binary;
using System.Text;

namespace OpenCloud.Build.Client.Tests.Vulnerabilities;

/// <summary>Zips that .NET does not write: with zip64 for small files, and with files that share their bytes.</summary>
/// <remarks>PKWARE, APPNOTE.TXT 6.3.10: 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3.</remarks>
internal static class MadeZip
{
    /// <summary>A zip with one stored file, whose sizes and offsets are in the fields of zip64.</summary>
    public static byte[] Wide(string name, string content)
    {
        byte[] data = Encoding.UTF8.GetBytes(content);
        using MemoryStream zip = new();
        WriteLocal(zip, name, data);
        long directory = zip.Position;
        byte[] extra = [.. U16(1), .. U16(24), .. U64(data.Length), .. U64(data.Length), .. U64(0)];
        WriteHeader(zip, name, data, uint.MaxValue, uint.MaxValue, extra);
        long end = zip.Position;
        zip.Write([.. U32(0x06064B50), .. U64(44), .. U16(45), .. U16(45), .. U32(0), .. U32(0), .. U64(1), .. U64(1), .. U64(end - directory), .. U64(directory)]);
        zip.Write([.. U32(0x07064B50), .. U32(0), .. U64(end), .. U32(1)]);
        zip.Write([.. U32(0x06054B50), .. U16(0), .. U16(0), .. U16(ushort.MaxValue), .. U16(ushort.MaxValue), .. U32(uint.MaxValue), .. U32(uint.MaxValue), .. U16(0)]);
        return zip.ToArray();
    }

    /// <summary>A zip whose directory lists the bytes of one stored file several times.</summary>
    public static byte[] Overlapping(string name, string content, int times)
    {
        byte[] data = Encoding.UTF8.GetBytes(content);
        using MemoryStream zip = new();
        WriteLocal(zip, name, data);
        long directory = zip.Position;
        for (int i = 0; i < times; i++)
        {
            WriteHeader(zip, name, data, (uint)data.Length, 0, []);
        }

        long end = zip.Position;
        zip.Write([.. U32(0x06054B50), .. U16(0), .. U16(0), .. U16((ushort)times), .. U16((ushort)times), .. U32((uint)(end - directory)), .. U32((uint)directory), .. U16(0)]);
        return zip.ToArray();
    }

    private static void WriteLocal(MemoryStream zip, string name, byte[] data) =>
        zip.Write([.. U32(0x04034B50), .. U16(45), .. U16(0), .. U16(0), .. U32(0), .. U32(Crc(data)), .. U32((uint)data.Length), .. U32((uint)data.Length), .. U16((ushort)name.Length), .. U16(0), .. Encoding.ASCII.GetBytes(name), .. data]);

    private static void WriteHeader(MemoryStream zip, string name, byte[] data, uint size, uint offset, byte[] extra) =>
        zip.Write(
        [
            .. U32(0x02014B50), .. U16(45), .. U16(45), .. U16(0), .. U16(0), .. U32(0), .. U32(Crc(data)), .. U32(size), .. U32(size), .. U16((ushort)name.Length), .. U16((ushort)extra.Length),
            .. U16(0), .. U16(0), .. U16(0), .. U32(0), .. U32(offset), .. Encoding.ASCII.GetBytes(name), .. extra,
        ]);

    private static uint Crc(byte[] data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }

    private static byte[] U16(ushort value) => [(byte)value, (byte)(value >> 8)];

    private static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] U64(long value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes;
    }
}
