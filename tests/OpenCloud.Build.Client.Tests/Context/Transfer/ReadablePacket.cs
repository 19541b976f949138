using System.Text;
using Google.Protobuf;
using OpenCloud.Build.Client.Protocol.FileTransfer;

namespace OpenCloud.Build.Client.Tests.Context.Transfer;

/// <summary>Reads packets as fsutil does: names are bytes there, while a text of proto3 that is not UTF-8 is refused by its parser.</summary>
internal static class ReadablePacket
{
    /// <summary>The packet; in names that are not UTF-8, what is not stands as replacement characters.</summary>
    public static Packet Parse(byte[] message)
        => Packet.Parser.ParseFrom(Rewrite(message, static (field, value)
            => field == Packet.StatFieldNumber
                ? ByteString.CopyFrom(Rewrite(value.ToByteArray(), static (field, value) => field is Stat.PathFieldNumber or Stat.LinknameFieldNumber ? Text(value) : value))
                : value));

    private static ByteString Text(ByteString value) => ByteString.CopyFromUtf8(Encoding.UTF8.GetString(value.Span));

    // Packets have numbers, and fields with a length.
    private static byte[] Rewrite(byte[] message, Func<int, ByteString, ByteString> change)
    {
        CodedInputStream input = new(message);
        using MemoryStream rewritten = new();
        using CodedOutputStream output = new(rewritten);
        while (input.ReadTag() is not 0 and var tag)
        {
            output.WriteTag(tag);
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                output.WriteBytes(change(WireFormat.GetTagFieldNumber(tag), input.ReadBytes()));
            }
            else
            {
                output.WriteUInt64(input.ReadUInt64());
            }
        }

        output.Flush();
        return rewritten.ToArray();
    }
}
