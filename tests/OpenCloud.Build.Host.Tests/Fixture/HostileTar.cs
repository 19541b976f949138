using System.Buffers.Binary;
using System.Text;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>Headers of tar that no library writes.</summary>
internal static class HostileTar
{
    /// <summary>One header of 512 bytes: POSIX ustar, its size in base 256 where octal has no room for it.</summary>
    public static byte[] Header(string name, long size, char type)
    {
        byte[] header = new byte[512];
        Encoding.ASCII.GetBytes(name, header);
        Octal(header.AsSpan(100, 8), 0b111_101_101);
        Octal(header.AsSpan(108, 8), 0);
        Octal(header.AsSpan(116, 8), 0);
        if (size < 1L << 33)
        {
            Octal(header.AsSpan(124, 12), size);
        }
        else
        {
            header[124] = 0x80;
            BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(128), size);
        }

        Octal(header.AsSpan(136, 12), 0);
        header.AsSpan(148, 8).Fill((byte)' ');
        header[156] = (byte)type;
        Encoding.ASCII.GetBytes("ustar\000", header.AsSpan(257));
        int sum = 0;
        foreach (byte value in header)
        {
            sum += value;
        }

        Octal(header.AsSpan(148, 7), sum);
        return header;
    }

    private static void Octal(Span<byte> field, long value)
        => Encoding.ASCII.GetBytes(Convert.ToString(value, 8).PadLeft(field.Length - 1, '0'), field);
}
