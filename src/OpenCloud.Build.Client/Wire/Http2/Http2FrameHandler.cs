using System.Buffers.Binary;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Splits the peer's bytes into frames and handles them (RFC 9113, 3.4, 4 and 6).</summary>
internal sealed class Http2FrameHandler(Http2ConnectionState state, Http2Output output, Http2SendQueue sendQueue, Http2HeaderReader headers, Http2PeerLimits limits, Http2Options options) : IDisposable
{
    private readonly Http2HeaderReader _headers = headers;
    private readonly Http2HeaderListHandler _lists = new(state, headers, limits, options);
    private readonly Http2RateLimiter _settings = new(options.Settings, options.TimeProvider, "SETTINGS");
    private readonly Http2RateLimiter _idlePings = new(options.IdlePings, options.TimeProvider, "PING frames");
    private readonly Http2RateLimiter _emptyFrames = new(options.EmptyFrames, options.TimeProvider, "empty frames");

    // A server does not begin with a preface, so a client expects none.
    private int _prefaceSeen = state.Role == Http2Role.Server ? 0 : Preface.Length;
    private bool _settingsSeen;

    internal static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Handles all complete frames and returns how many bytes were processed.</summary>
    internal int Receive(ReadOnlySpan<byte> input)
    {
        int position = ReceivePreface(input);
        while (input.Length - position >= Http2FrameHeader.Size)
        {
            // The header is checked before its payload is complete.
            Http2FrameHeader header = Http2FrameHeader.Read(input[position..]);
            Http2FrameRules.Check(header, _settingsSeen, _headers.StreamId);
            int end = position + Http2FrameHeader.Size + header.Length;
            if (end > input.Length)
            {
                break;
            }

            Handle(header, input[(position + Http2FrameHeader.Size)..end]);
            position = end;
            if (output.IsFlooded)
            {
                throw Error(Http2ErrorCode.EnhanceYourCalm, "The peer causes frames faster than it reads them.");
            }
        }

        return position;
    }

    public void Dispose() => _headers.Dispose();

    private static Http2Exception Error(Http2ErrorCode errorCode, string message) => new(errorCode, message);

    private static void RequireLength(Http2FrameHeader header, bool isRight)
    {
        if (!isRight)
        {
            throw Error(Http2ErrorCode.FrameSizeError, $"A {header.Type} frame of {header.Length} octets.");
        }
    }

    private int ReceivePreface(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> due = Preface[_prefaceSeen..];
        int count = Math.Min(due.Length, input.Length);
        if (!input[..count].SequenceEqual(due[..count]))
        {
            throw Error(Http2ErrorCode.ProtocolError, "The peer does not start with the HTTP/2 preface.");
        }

        _prefaceSeen += count;
        return count;
    }

    private void Handle(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        switch (header.Type)
        {
            case Http2FrameType.Data:
                HandleData(header, payload);
                break;
            case Http2FrameType.Headers:
                HandleHeaders(header, payload);
                break;
            case Http2FrameType.Continuation:
                HandleContinuation(header, payload);
                break;
            case Http2FrameType.RstStream:
                HandleReset(header, payload);
                break;
            case Http2FrameType.Settings:
                HandleSettings(header, payload);
                break;
            case Http2FrameType.Ping:
                HandlePing(header, payload);
                break;
            case Http2FrameType.WindowUpdate:
                HandleWindowUpdate(header, payload);
                break;
            case Http2FrameType.GoAway:
                RequireLength(header, payload.Length >= 8);
                limits.IgnoredFrames.Count();
                state.PeerGoesAway = true;
                state.Events.OnGoAway((int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & int.MaxValue), (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload[4..]));
                break;
            case Http2FrameType.PushPromise:
                throw Error(Http2ErrorCode.ProtocolError, "The peer sent PUSH_PROMISE, which is not allowed.");
            case Http2FrameType.Priority:
                RequireLength(header, payload.Length == 5);
                limits.IgnoredFrames.Count();
                break;
            default:
                limits.IgnoredFrames.Count();
                break;
        }
    }

    private void HandleData(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        state.ReceiveWindow -= payload.Length;
        if (state.ReceiveWindow < 0)
        {
            throw Error(Http2ErrorCode.FlowControlError, "The peer sent more than the connection's window allows.");
        }

        ReadOnlySpan<byte> data = Http2HeaderReader.StripPadding(header, payload);
        bool endStream = header.Has(Http2FrameFlags.EndStream);
        if (data.IsEmpty && !endStream)
        {
            _emptyFrames.Count();
        }

        if (FindForPeer(header, payload.Length) is not Http2Stream stream)
        {
            return;
        }

        stream.ReceiveWindow -= payload.Length;
        stream.Unconsumed += payload.Length;
        if (state.Role == Http2Role.Client && !stream.ResponseSeen)
        {
            limits.Break(state, stream, Http2ErrorCode.ProtocolError);
        }
        else if (stream.RemoteEnded)
        {
            limits.Break(state, stream, Http2ErrorCode.StreamClosed);
        }
        else if (stream.ReceiveWindow < 0)
        {
            limits.Break(state, stream, Http2ErrorCode.FlowControlError);
        }
        else if (stream.ContentLeft >= 0 && !FitsContentLength(stream, data.Length, endStream))
        {
            limits.Break(state, stream, Http2ErrorCode.ProtocolError);
        }
        else
        {
            if (data.Length < payload.Length)
            {
                state.Consume(stream, payload.Length - data.Length);
            }

            if (!data.IsEmpty)
            {
                state.Events.OnData(stream, data);
            }

            if (endStream)
            {
                state.EndRemote(stream);
                state.Events.OnEnded(stream, null);
            }
        }
    }

    private static bool FitsContentLength(Http2Stream stream, int received, bool endStream)
    {
        stream.ContentLeft -= received;
        return stream.ContentLeft >= 0 && (!endStream || stream.ContentLeft == 0);
    }

    /// <summary>The stream of a frame; null when it is closed, after everything due for it is done.</summary>
    private Http2Stream? FindForPeer(Http2FrameHeader header, int flowControlled)
    {
        if (state.Find(header.StreamId) is Http2Stream stream)
        {
            return stream;
        }

        if ((header.StreamId & 1) == 0 || header.StreamId > state.LastStreamId)
        {
            // Streams past our GOAWAY are not counted, so they look as if they had never begun.
            if (state.Role == Http2Role.Server && state.IsDraining && (header.StreamId & 1) != 0)
            {
                state.CreditConnection(flowControlled);
                return null;
            }

            throw Error(Http2ErrorCode.ProtocolError, $"A {header.Type} frame on stream {header.StreamId}, which has not begun.");
        }

        state.CreditConnection(flowControlled);
        if (header.Type == Http2FrameType.Data && !state.IsRecentlyReset(header.StreamId))
        {
            limits.Resets.Count();
            state.WriteReset(header.StreamId, Http2ErrorCode.StreamClosed);
        }

        return null;
    }

    private void HandleHeaders(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if ((header.StreamId & 1) == 0)
        {
            throw Error(Http2ErrorCode.ProtocolError, $"HEADERS on stream {header.StreamId}, which no client opens.");
        }

        if (_headers.Begin(header, payload) is HeaderList list)
        {
            _lists.Handle(header.StreamId, list);
        }
    }

    private void HandleContinuation(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty)
        {
            _emptyFrames.Count();
        }

        if (_headers.Continue(header, payload) is HeaderList list)
        {
            _lists.Handle(header.StreamId, list);
        }
    }

    private void HandleReset(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        RequireLength(header, payload.Length == 4);
        if (FindForPeer(header, 0) is Http2Stream stream)
        {
            if (!stream.LocalEnded)
            {
                // After our answer a reset is a courtesy: grpc-go resets a stream that was answered before it had ended its side.
                limits.Resets.Count();
            }

            state.Close(stream);
            state.Events.OnReset(stream, (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload), byPeer: true);
        }
        else
        {
            limits.IgnoredFrames.Count();
        }
    }

    private void HandleSettings(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        _settingsSeen = true;
        _settings.Count();
        bool isAck = header.Has(Http2FrameFlags.Ack);
        RequireLength(header, isAck ? payload.IsEmpty : payload.Length % 6 == 0);
        if (!isAck)
        {
            Http2PeerSettings.Apply(payload, state, output);
            output.WriteSettingsAck();
        }
    }

    private void HandlePing(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        RequireLength(header, payload.Length == 8);
        if (!output.HasSentContent)
        {
            _idlePings.Count();
        }

        output.HasSentContent = false;
        if (!header.Has(Http2FrameFlags.Ack))
        {
            output.WritePingAck(payload);
        }
    }

    private void HandleWindowUpdate(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        RequireLength(header, payload.Length == 4);
        int increment = (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7fffffff);
        if (header.StreamId == 0)
        {
            if (increment == 0)
            {
                throw Error(Http2ErrorCode.ProtocolError, "A WINDOW_UPDATE of 0 octets.");
            }

            if (!sendQueue.TryOpenConnection(increment))
            {
                throw Error(Http2ErrorCode.FlowControlError, "A WINDOW_UPDATE makes the connection's window overflow.");
            }
        }
        else if (FindForPeer(header, 0) is Http2Stream stream)
        {
            if (increment == 0)
            {
                limits.Break(state, stream, Http2ErrorCode.ProtocolError);
            }
            else if (!sendQueue.TryOpenStream(stream, increment))
            {
                limits.Break(state, stream, Http2ErrorCode.FlowControlError);
            }
        }
    }
}
