using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// One side of an HTTP/2 connection without any I/O (RFC 9113): bytes go in and events come out; commands go in and bytes come out.
/// Not safe for concurrent use. This class has the commands; <see cref="Http2FrameHandler"/> handles input.
/// </summary>
internal sealed class Http2Connection : IDisposable
{
    private readonly Http2Output _output;
    private readonly Http2SendQueue _sendQueue;
    private readonly Http2FrameHandler _frames;
    private readonly Http2ConnectionState _state;

    internal Http2Connection(Http2Options options, IHttp2ConnectionEvents events, Http2Role role = Http2Role.Server)
    {
        _output = new Http2Output(options.MaxGatheredOutput, options.MaxPendingControlFrames);
        _sendQueue = new Http2SendQueue(_output, events);
        _state = new Http2ConnectionState(options, events, role, _output, _sendQueue);
        _frames = new Http2FrameHandler(_state, _output, _sendQueue, new Http2HeaderReader(options), new Http2PeerLimits(options), options);
        if (role == Http2Role.Client)
        {
            _output.WritePreface();
        }

        _output.WriteSettings(
            role == Http2Role.Client ? (Http2Setting.EnablePush, 0) : (Http2Setting.MaxConcurrentStreams, (uint)options.MaxConcurrentStreams),
            (Http2Setting.InitialWindowSize, (uint)options.StreamReceiveWindow),
            (Http2Setting.MaxHeaderListSize, (uint)options.MaxHeaderListSize));
        if (options.ConnectionReceiveWindow > Http2SendQueue.DefaultWindow)
        {
            _output.WriteWindowUpdate(0, options.ConnectionReceiveWindow - Http2SendQueue.DefaultWindow);
        }
    }

    internal int OutputLength => _output.Length;

    /// <summary>The requests that are not yet released; a client does not count its own.</summary>
    internal int Occupied => _state.Occupied;

    internal bool IsDraining => _state.IsDraining;

    /// <summary>Whether no further requests will come and all received ones are complete.</summary>
    internal bool IsDrained => (_state.IsDraining || _state.PeerGoesAway) && Occupied == 0;

    /// <summary>The bytes that we may send on the connection.</summary>
    internal int SendWindow => _sendQueue.ConnectionWindow;

    /// <summary>The stream number for GOAWAY. 0 for a client, which serves no streams because push is disabled.</summary>
    private int LastServedStreamId => _state.Role == Http2Role.Server ? _state.LastStreamId : 0;

    /// <summary>Processes the peer's bytes, beginning with those that an earlier call left.</summary>
    /// <returns>How many bytes were processed. The rest, less than a frame, must be passed again with more behind it.</returns>
    /// <exception cref="Http2Exception">The peer broke the connection; call <see cref="Fail"/>, and process no more input.</exception>
    internal int Receive(ReadOnlySpan<byte> input)
    {
        int consumed = _frames.Receive(input);
        _sendQueue.Pump();
        return consumed;
    }

    /// <summary>Takes all output that waits and puts the empty buffer in its place; the room is filled at once with the streams' pending data.</summary>
    internal PooledBuffer TakeOutput(PooledBuffer empty)
    {
        PooledBuffer gather = _output.Take(empty);
        _sendQueue.Pump();
        return gather;
    }

    /// <summary>Sends a request's header fields on a new stream. For a client only.</summary>
    internal Http2Stream Request(HeaderList headers)
    {
        _state.LastStreamId += _state.LastStreamId == 0 ? 1 : 2;
        Http2Stream stream = _state.AddStream(_state.LastStreamId);
        WriteHeaders(stream, headers, endStream: false);
        return stream;
    }

    /// <summary>Sends header fields, or, with <paramref name="endStream"/> after others, trailers.</summary>
    internal void WriteHeaders(Http2Stream stream, HeaderList headers, bool endStream)
    {
        _output.WriteHeaders(stream.Id, headers, endStream);
        stream.HeadersSent = true;
        if (endStream)
        {
            _state.EndLocal(stream);
        }
    }

    /// <summary>Sends bytes on a stream whose earlier bytes are all sent.</summary>
    /// <returns>Whether all is taken; otherwise the memory must not change until <see cref="IHttp2ConnectionEvents.OnWritten"/> or the stream's end.</returns>
    internal bool Write(Http2Stream stream, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body) => _sendQueue.Write(stream, head, body);

    internal void WriteEnd(Http2Stream stream)
    {
        _output.WriteEnd(stream.Id);
        _state.EndLocal(stream);
    }

    /// <inheritdoc cref="Http2ConnectionState.Reset"/>
    internal void Reset(Http2Stream stream, Http2ErrorCode errorCode) => _state.Reset(stream, errorCode);

    /// <inheritdoc cref="Http2ConnectionState.Consume"/>
    internal void Consume(Http2Stream stream, int count) => _state.Consume(stream, count);

    internal void Release(Http2Stream stream) => _state.Release(stream);

    internal void Ping() => _output.WritePing("ocb-ping"u8);

    /// <summary>Sends GOAWAY: current requests are still served, further ones are ignored.</summary>
    internal void BeginShutdown()
    {
        if (!_state.IsDraining)
        {
            _state.IsDraining = true;
            _output.WriteGoAway(LastServedStreamId, Http2ErrorCode.NoError, isLast: false);
        }
    }

    /// <summary>Sends GOAWAY, if it says anything new, and drops all streams: their memory is no longer read.</summary>
    internal void Fail(Http2ErrorCode errorCode)
    {
        if (!_state.IsDraining || errorCode != Http2ErrorCode.NoError)
        {
            _state.IsDraining = true;
            _output.WriteGoAway(LastServedStreamId, errorCode, isLast: true);
        }

        _state.DropAll();
    }

    public void Dispose()
    {
        _output.Dispose();
        _frames.Dispose();
    }
}
