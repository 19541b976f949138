using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Outputs;

/// <summary>A packet of a file transfer, as the receiving side reads it.</summary>
/// <remarks>Fields: tonistiigi/fsutil, types/wire.proto and types/stat.proto. Names are bytes: Linux names are not text.</remarks>
internal ref struct ReceivedFilePacket
{
    public PacketType Type;
    public uint Id;
    public ReadOnlySpan<byte> Data;
    public ReceivedStat? Stat;

    /// <exception cref="ContextException">The bytes are not a packet.</exception>
    public static ReceivedFilePacket Read(ReadOnlySpan<byte> message)
    {
        ReceivedFilePacket packet = default;
        ProtoFields fields = new(message);
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case 1:
                    packet.Type = fields.Value <= (ulong)PacketType.Error ? (PacketType)fields.Value : throw ProtoFields.Malformed();
                    break;
                case 2:
                    packet.Stat = ReceivedStat.Read(fields.Bytes);
                    break;
                case 3:
                    packet.Id = fields.Value <= uint.MaxValue ? (uint)fields.Value : throw ProtoFields.Malformed();
                    break;
                case 4:
                    packet.Data = fields.Bytes;
                    break;
            }
        }

        return packet;
    }
}

internal sealed class ReceivedStat
{
    public byte[] Path { get; private set; } = [];

    public uint Mode { get; private set; }

    public long Size { get; private set; }

    public long Modified { get; private set; }

    public byte[] LinkName { get; private set; } = [];

    public List<KeyValuePair<byte[], byte[]>> Attributes { get; } = [];

    /// <summary>The number of bytes that names and attributes take.</summary>
    public long HeldBytes => Path.Length + LinkName.Length + Attributes.Sum(static a => (long)a.Key.Length + a.Value.Length);

    public bool IsDirectory => (Mode & GoFileMode.TypeMask) == GoFileMode.Directory;

    public bool IsSymlink => (Mode & GoFileMode.TypeMask) == GoFileMode.Symlink;

    public bool IsRegular => (Mode & GoFileMode.TypeMask) == 0;

    public bool IsPipe => (Mode & GoFileMode.TypeMask) == GoFileMode.NamedPipe;

    public bool IsHardLink => IsRegular && LinkName.Length > 0;

    public static ReceivedStat Read(ReadOnlySpan<byte> message)
    {
        ReceivedStat stat = new();
        ProtoFields fields = new(message);
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case 1:
                    stat.Path = fields.Bytes.ToArray();
                    break;
                case 2:
                    stat.Mode = (uint)fields.Value;
                    break;
                case 5:
                    stat.Size = (long)fields.Value;
                    break;
                case 6:
                    stat.Modified = (long)fields.Value;
                    break;
                case 7:
                    stat.LinkName = fields.Bytes.ToArray();
                    break;
                case 10:
                    stat.Attributes.Add(ReadAttribute(fields.Bytes));
                    break;
            }
        }

        return stat;
    }

    private static KeyValuePair<byte[], byte[]> ReadAttribute(ReadOnlySpan<byte> entry)
    {
        (byte[] name, byte[] value) = (Array.Empty<byte>(), Array.Empty<byte>());
        ProtoFields fields = new(entry);
        while (fields.Next())
        {
            if (fields.Number == 1)
            {
                name = fields.Bytes.ToArray();
            }
            else if (fields.Number == 2)
            {
                value = fields.Bytes.ToArray();
            }
        }

        return name.Length > 0 && !name.AsSpan().Contains((byte)0) ? new(name, value) : throw ProtoFields.Malformed();
    }
}
