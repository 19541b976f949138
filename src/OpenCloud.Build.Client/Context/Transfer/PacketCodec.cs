using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Context.Transfer;

/// <summary>The kinds of packets of a file transfer (fsutil's types/wire.proto).</summary>
internal enum PacketType
{
    Stat = 0,
    Request = 1,
    Data = 2,
    Finish = 3,
    Error = 4,
}

internal readonly record struct ReceivedPacket(PacketType Type, uint Id, string? Message);

/// <summary>Writes packets straight into buffers, as length-prefixed gRPC messages, and reads those of a receiver.</summary>
/// <remarks>
/// A build context is millions of small packets or gigabytes of large ones; objects for them would dominate the work. The
/// bytes are those of fsutil's types/wire.proto and types/stat.proto, in front of each the five bytes of gRPC's message prefix.
/// Strings are written as the bytes they are: fsutil's own messages are not checked for UTF-8 either (gogo and vtproto).
/// </remarks>
internal static class PacketCodec
{
    /// <summary>The largest size of what precedes a DATA packet's content, message prefix included.</summary>
    public const int MaxDataHeader = GrpcPrefix.Length + 2 + (1 + Varint.MaxLength32) + (1 + Varint.MaxLength32);

    private const byte StatTag = (2 << 3) | 2;
    private const byte DataTag = (4 << 3) | 2;
    private const byte AttributesTag = (10 << 3) | 2;

    public static int StatSize(ReadOnlySpan<byte> path, TreeEntry entry)
    {
        int size = StatBodySize(path, entry);
        return GrpcPrefix.Length + 1 + Varint.Size((uint)size) + size;
    }

    /// <summary>Writes a STAT message. The owner is root; a socket loses its bit and so is listed as an empty regular file.</summary>
    public static int WriteStat(Span<byte> output, ReadOnlySpan<byte> path, TreeEntry entry)
    {
        int bodySize = StatBodySize(path, entry);
        Writer writer = new(output);
        writer.Prefix(1 + Varint.Size((uint)bodySize) + bodySize);
        writer.Byte(StatTag);
        writer.Varint((uint)bodySize);
        writer.Bytes(1, path);
        writer.Number(2, entry.Mode & ~GoFileMode.Socket);
        writer.Number(5, (ulong)entry.Size);
        writer.Number(6, (ulong)entry.Modified);
        writer.Bytes(7, entry.LinkName.Span);
        writer.Number(8, entry.DeviceMajor);
        writer.Number(9, entry.DeviceMinor);
        foreach ((byte[] key, byte[] value) in entry.Attributes)
        {
            writer.Byte(AttributesTag);
            writer.Varint((uint)(BytesSize(key) + BytesSize(value)));
            writer.Bytes(1, key);
            writer.Bytes(2, value);
        }

        return writer.Written;
    }

    public static int WriteLastStat(Span<byte> output)
    {
        Writer writer = new(output);
        writer.Prefix(0);
        return writer.Written;
    }

    public static int DataHeaderSize(uint id, int contentLength) =>
        GrpcPrefix.Length + 2 + (id == 0 ? 0 : 1 + Varint.Size(id)) + (contentLength == 0 ? 0 : 1 + Varint.Size((uint)contentLength));

    /// <summary>Writes what precedes a DATA packet's content; empty content ends the file.</summary>
    public static int WriteDataHeader(Span<byte> output, uint id, int contentLength)
    {
        Writer writer = new(output);
        int idSize = id == 0 ? 0 : 1 + Varint.Size(id);
        int dataSize = contentLength == 0 ? 0 : 1 + Varint.Size((uint)contentLength) + contentLength;
        writer.Prefix(2 + idSize + dataSize);
        writer.Number(1, (ulong)PacketType.Data);
        writer.Number(3, id);
        if (contentLength > 0)
        {
            writer.Byte(DataTag);
            writer.Varint((uint)contentLength);
        }

        return writer.Written;
    }

    public static byte[] Finish() => Packet(PacketType.Finish, 0, []);

    public static byte[] Request(uint id) => Packet(PacketType.Request, id, []);

    public static byte[] Error(string message) => Packet(PacketType.Error, 0, System.Text.Encoding.UTF8.GetBytes(message));

    public static ReceivedPacket Read(ReadOnlySpan<byte> packet)
    {
        ulong type = 0;
        ulong id = 0;
        string? message = null;
        ProtoFields fields = new(packet);
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case 1:
                    type = fields.Value;
                    break;
                case 3:
                    id = fields.Value;
                    break;
                case 4:
                    message = Utf8.Display(fields.Bytes);
                    break;
            }
        }

        return type <= (ulong)PacketType.Error && id <= uint.MaxValue
            ? new ReceivedPacket((PacketType)type, (uint)id, message)
            : throw ProtoFields.Malformed();
    }

    private static byte[] Packet(PacketType type, uint id, ReadOnlySpan<byte> data)
    {
        int size = NumberSize((ulong)type) + NumberSize(id) + BytesSize(data);
        byte[] output = new byte[GrpcPrefix.Length + size];
        Writer writer = new(output);
        writer.Prefix(size);
        writer.Number(1, (ulong)type);
        writer.Number(3, id);
        writer.Bytes(4, data);
        return output;
    }

    private static int StatBodySize(ReadOnlySpan<byte> path, TreeEntry entry)
    {
        int size = BytesSize(path)
            + NumberSize(entry.Mode & ~GoFileMode.Socket)
            + NumberSize((ulong)entry.Size)
            + NumberSize((ulong)entry.Modified)
            + BytesSize(entry.LinkName.Span)
            + NumberSize(entry.DeviceMajor)
            + NumberSize(entry.DeviceMinor);
        foreach ((byte[] key, byte[] value) in entry.Attributes)
        {
            int attribute = BytesSize(key) + BytesSize(value);
            size += 1 + Varint.Size((uint)attribute) + attribute;
        }

        return size;
    }

    // As in every proto3 message, what has its default value is left out.
    private static int BytesSize(ReadOnlySpan<byte> value) => value.IsEmpty ? 0 : 1 + Varint.Size((uint)value.Length) + value.Length;

    private static int NumberSize(ulong value) => value == 0 ? 0 : 1 + Varint.Size(value);

    private ref struct Writer(Span<byte> output)
    {
        private readonly Span<byte> _output = output;

        public int Written { get; private set; }

        public void Prefix(int length)
        {
            GrpcPrefix.Write(_output[Written..], length);
            Written += GrpcPrefix.Length;
        }

        public void Byte(byte value) => _output[Written++] = value;

        public void Varint(ulong value) => Written += Wire.Varint.Write(_output[Written..], value);

        public void Number(int field, ulong value)
        {
            if (value != 0)
            {
                Byte((byte)(field << 3));
                Varint(value);
            }
        }

        public void Bytes(int field, ReadOnlySpan<byte> value)
        {
            if (!value.IsEmpty)
            {
                Byte((byte)((field << 3) | 2));
                Varint((uint)value.Length);
                value.CopyTo(_output[Written..]);
                Written += value.Length;
            }
        }
    }
}
