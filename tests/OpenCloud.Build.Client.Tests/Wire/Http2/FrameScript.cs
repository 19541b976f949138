using System.Buffers.Binary;
using System.Text;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>Makes and reads frames by hand, apart from the code under test.</summary>
internal static class FrameScript
{
    public const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /// <summary>:method POST, :scheme http, :path /, as indexes and one literal of the static table.</summary>
    public static readonly byte[] RequestBlock = [0x83, 0x86, 0x84];

    public static byte[] Frame(int type, int flags, int streamId, params byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)payload.Length << 8);
        frame[3] = (byte)type;
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamId);
        payload.CopyTo(frame, 9);
        return frame;
    }

    public static byte[] Start(params (int Setting, uint Value)[] settings) => [.. Encoding.ASCII.GetBytes(Preface), .. Settings(settings)];

    public static byte[] Settings(params (int Setting, uint Value)[] settings) => Frame(4, 0, 0, [.. settings.SelectMany(setting =>
        new byte[] { (byte)(setting.Setting >> 8), (byte)setting.Setting }.Concat(Number(setting.Value)))]);

    public static byte[] Headers(int streamId, bool endStream = false, byte[]? block = null) => Frame(1, 4 | (endStream ? 1 : 0), streamId, block ?? RequestBlock);

    public static byte[] Data(int streamId, int length, bool endStream = false) => Frame(0, endStream ? 1 : 0, streamId, new byte[length]);

    public static byte[] WindowUpdate(int streamId, uint increment) => Frame(8, 0, streamId, Number(increment));

    public static byte[] Reset(int streamId, uint code = 8) => Frame(3, 0, streamId, Number(code));

    public static byte[] Ping(byte mark = 0, bool ack = false) => Frame(6, ack ? 1 : 0, 0, [mark, 2, 3, 4, 5, 6, 7, 8]);

    public static byte[] Literal(string name, string value) => [0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    public static byte[] Number(uint value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    public static List<(Http2FrameHeader Header, byte[] Payload)> Parse(ReadOnlySpan<byte> octets)
    {
        List<(Http2FrameHeader, byte[])> frames = new();
        while (!octets.IsEmpty)
        {
            int length = (octets[0] << 16) | (octets[1] << 8) | octets[2];
            Http2FrameHeader header = new(length, (Http2FrameType)octets[3], (Http2FrameFlags)octets[4], BinaryPrimitives.ReadInt32BigEndian(octets[5..]));
            frames.Add((header, octets.Slice(9, length).ToArray()));
            octets = octets[(9 + length)..];
        }

        return frames;
    }
}
