using System.Buffers.Binary;

namespace OpenCloud.Build.Client.Http2;

/// <summary>Takes the peer's octets apart into frames and does what they ask for (RFC 9113, 3.4, 4 and 6).</summary>
internal sealed class Http2FrameHandler(Http2Connection connection, Http2Output output, Http2SendQueue sendQueue, Http2ServerOptions options) : IDisposable
{
    private readonly Http2HeaderReader _headers = new(options);
    private readonly Http2RateLimiter _resets = new(options.Resets, options.TimeProvider, "streams only to reset or break them");
    private readonly Http2RateLimiter _settings = new(options.Settings, options.TimeProvider, "SETTINGS");
    private readonly Http2RateLimiter _idlePings = new(options.IdlePings, options.TimeProvider, "PING frames");
    private readonly Http2RateLimiter _emptyFrames = new(options.EmptyFrames, options.TimeProvider, "empty frames");
    private readonly Http2RateLimiter _ignoredFrames = new(options.IgnoredFrames, options.TimeProvider, "frames that mean nothing");
    private int _prefaceSeen;
    private bool _settingsSeen;

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Handles all frames that are complete.</summary>
    /// <returns>How many octets are done with.</returns>
    internal int Receive(ReadOnlySpan<byte> input)
    {
        int position = ReceivePreface(input);
        while (input.Length - position >= Http2FrameHeader.Size)
        {
            // The header is checked before its payload is waited for.
            var header = Http2FrameHeader.Read(input[position..]);
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

    /// <inheritdoc/>
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
            throw Error(Http2ErrorCode.ProtocolError, "The peer does not begin with HTTP/2's preface.");
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
                _ignoredFrames.Count();
                connection.PeerGoesAway = true;
                connection.Events.OnGoAway((Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload[4..]));
                break;
            case Http2FrameType.PushPromise:
                throw Error(Http2ErrorCode.ProtocolError, "A client sent PUSH_PROMISE.");
            case Http2FrameType.Priority:
                RequireLength(header, payload.Length == 5);
                _ignoredFrames.Count();
                break;
            default:
                _ignoredFrames.Count();
                break;
        }
    }

    private void HandleData(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        connection.ReceiveWindow -= payload.Length;
        if (connection.ReceiveWindow < 0)
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
        if (stream.RemoteEnded)
        {
            Break(stream, Http2ErrorCode.StreamClosed);
        }
        else if (stream.ReceiveWindow < 0)
        {
            Break(stream, Http2ErrorCode.FlowControlError);
        }
        else if (stream.ContentLeft >= 0 && !FitsContentLength(stream, data.Length, endStream))
        {
            Break(stream, Http2ErrorCode.ProtocolError);
        }
        else
        {
            if (data.Length < payload.Length)
            {
                connection.Consume(stream, payload.Length - data.Length);
            }

            if (!data.IsEmpty)
            {
                connection.Events.OnData(stream, data);
            }

            if (endStream)
            {
                connection.EndRemote(stream);
                connection.Events.OnRequestEnded(stream, null);
            }
        }
    }

    private static bool FitsContentLength(Http2Stream stream, int received, bool endStream)
    {
        stream.ContentLeft -= received;
        return stream.ContentLeft >= 0 && (!endStream || stream.ContentLeft == 0);
    }

    /// <summary>The stream of a frame; null, with all that is due done, when it is closed.</summary>
    private Http2Stream? FindForPeer(Http2FrameHeader header, int flowControlled)
    {
        if (connection.Find(header.StreamId) is Http2Stream stream)
        {
            return stream;
        }

        if ((header.StreamId & 1) == 0 || header.StreamId > connection.LastPeerStreamId)
        {
            // Streams past our GOAWAY are not kept count of, so they look as if they had never begun.
            if (connection.IsDraining && (header.StreamId & 1) != 0)
            {
                connection.CreditConnection(flowControlled);
                return null;
            }

            throw Error(Http2ErrorCode.ProtocolError, $"A {header.Type} frame on stream {header.StreamId}, which has not begun.");
        }

        connection.CreditConnection(flowControlled);
        if (header.Type == Http2FrameType.Data && !connection.IsRecentlyReset(header.StreamId))
        {
            _resets.Count();
            connection.WriteReset(header.StreamId, Http2ErrorCode.StreamClosed);
        }

        return null;
    }

    private void HandleHeaders(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if ((header.StreamId & 1) == 0)
        {
            throw Error(Http2ErrorCode.ProtocolError, $"A client opened stream {header.StreamId}.");
        }

        if (_headers.Begin(header, payload) is HeaderList headers)
        {
            HandleHeaderList(header.StreamId, headers);
        }
    }

    private void HandleContinuation(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty)
        {
            _emptyFrames.Count();
        }

        if (_headers.Continue(header, payload) is HeaderList headers)
        {
            HandleHeaderList(header.StreamId, headers);
        }
    }

    private void HandleHeaderList(int streamId, HeaderList headers)
    {
        if (connection.Find(streamId) is Http2Stream stream)
        {
            HandleTrailers(stream, headers);
        }
        else if (streamId <= connection.LastPeerStreamId)
        {
            if (!connection.IsRecentlyReset(streamId))
            {
                throw Error(Http2ErrorCode.StreamClosed, $"Header fields on stream {streamId}, which is closed.");
            }
        }
        else if (!connection.IsDraining)
        {
            connection.LastPeerStreamId = streamId;
            HandleRequest(streamId, headers);
        }
    }

    private void HandleRequest(int streamId, HeaderList headers)
    {
        Http2ErrorCode refusal = Http2ErrorCode.NoError;
        long contentLength = -1;
        if (connection.Occupied >= options.MaxConcurrentStreams)
        {
            refusal = Http2ErrorCode.RefusedStream;
        }
        else if (!_headers.ListFits)
        {
            refusal = Http2ErrorCode.EnhanceYourCalm;
        }
        else if (Http2RequestValidator.FindFault(headers, out contentLength) is not null || (_headers.EndStream && contentLength > 0))
        {
            refusal = Http2ErrorCode.ProtocolError;
        }

        if (refusal != Http2ErrorCode.NoError)
        {
            _resets.Count();
            connection.WriteReset(streamId, refusal);
            return;
        }

        Http2Stream stream = connection.Open(streamId);
        stream.ContentLeft = contentLength;
        connection.Events.OnRequest(stream, headers);
        if (_headers.EndStream)
        {
            connection.EndRemote(stream);
            connection.Events.OnRequestEnded(stream, null);
        }
    }

    private void HandleTrailers(Http2Stream stream, HeaderList trailers)
    {
        if (stream.RemoteEnded)
        {
            Break(stream, Http2ErrorCode.StreamClosed);
        }
        else if (!_headers.ListFits)
        {
            Break(stream, Http2ErrorCode.EnhanceYourCalm);
        }
        else if (!_headers.EndStream || stream.ContentLeft > 0 || Http2RequestValidator.FindTrailerFault(trailers) is not null)
        {
            Break(stream, Http2ErrorCode.ProtocolError);
        }
        else
        {
            connection.EndRemote(stream);
            connection.Events.OnRequestEnded(stream, trailers);
        }
    }

    private void HandleReset(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        RequireLength(header, payload.Length == 4);
        if (FindForPeer(header, 0) is Http2Stream stream)
        {
            if (!stream.LocalEnded)
            {
                // After our answer it is only good manners: grpc-go resets a stream that was answered before it had ended its side.
                _resets.Count();
            }

            connection.Close(stream);
            connection.Events.OnReset(stream, (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload), byPeer: true);
        }
        else
        {
            _ignoredFrames.Count();
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
            Http2PeerSettings.Apply(payload, connection, output);
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
                Break(stream, Http2ErrorCode.ProtocolError);
            }
            else if (!sendQueue.TryOpenStream(stream, increment))
            {
                Break(stream, Http2ErrorCode.FlowControlError);
            }
        }
    }

    /// <summary>The peer broke the protocol on one stream only.</summary>
    private void Break(Http2Stream stream, Http2ErrorCode errorCode)
    {
        _resets.Count();
        connection.Reset(stream, errorCode);
        connection.Events.OnReset(stream, errorCode, byPeer: false);
    }
}
