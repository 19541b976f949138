using System.Buffers.Binary;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Applies the peer's settings (RFC 9113, 6.5).</summary>
internal static class Http2PeerSettings
{
    // The largest payload that we send even if the peer accepts more: control frames would wait behind it.
    private const int MaxSentPayload = 64 * 1024;

    /// <summary>Applies the payload of SETTINGS, whose length is already checked, in the order of its values.</summary>
    internal static void Apply(ReadOnlySpan<byte> payload, Http2ConnectionState state, Http2Output output)
    {
        for (; !payload.IsEmpty; payload = payload[6..])
        {
            Apply((Http2Setting)BinaryPrimitives.ReadUInt16BigEndian(payload), BinaryPrimitives.ReadUInt32BigEndian(payload[2..]), state, output);
        }
    }

    private static void Apply(Http2Setting setting, uint value, Http2ConnectionState state, Http2Output output)
    {
        switch (setting)
        {
            case Http2Setting.HeaderTableSize:
                output.Encoder.SetPeerTableSize(value);
                break;
            case Http2Setting.EnablePush when value > (state.Role == Http2Role.Server ? 1u : 0u):
                throw new Http2Exception(Http2ErrorCode.ProtocolError, $"SETTINGS_ENABLE_PUSH is {value}.");
            case Http2Setting.InitialWindowSize when value > int.MaxValue:
                throw new Http2Exception(Http2ErrorCode.FlowControlError, $"SETTINGS_INITIAL_WINDOW_SIZE is {value}.");
            case Http2Setting.InitialWindowSize:
                state.SetPeerInitialWindow(value);
                break;
            case Http2Setting.MaxFrameSize when value is < Http2FrameHeader.DefaultMaxPayload or > 0xffffff:
                throw new Http2Exception(Http2ErrorCode.ProtocolError, $"SETTINGS_MAX_FRAME_SIZE is {value}.");
            case Http2Setting.MaxFrameSize:
                output.MaxPayload = (int)Math.Min(value, MaxSentPayload);
                break;
        }
    }
}
