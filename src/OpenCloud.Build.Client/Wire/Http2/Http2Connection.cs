using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// One side of an HTTP/2 connection without any I/O (RFC 9113): bytes go in and events come out; commands go in and bytes come out.
/// Not safe for concurrent use. This class has the commands; <see cref="Http2FrameHandler"/> handles input.
/// </summary>
internal sealed class Http2Connection : IDisposable
{
    private readonly Http2Options _options;
    private readonly Http2Output _output;
    private readonly Http2SendQueue _sendQueue;
    private readonly Http2FrameHandler _frames;
    private readonly Dictionary<int, Http2Stream> _streams = [];

    // Streams that we reset while the peer could still send: frames that it sent before it knew are ignored.
    private readonly int[] _recentResets = new int[128];
    private int _recentResetCount;
    private int _uncredited;
    private uint _peerInitialWindow = Http2SendQueue.DefaultWindow;

    internal Http2Connection(Http2Options options, IHttp2ConnectionEvents events, Http2Role role = Http2Role.Server)
    {
        Role = role;
        _options = options;
        Events = events;
        _output = new Http2Output(options.MaxGatheredOutput, options.MaxPendingControlFrames);
        _sendQueue = new Http2SendQueue(_output, events);
        _frames = new Http2FrameHandler(this, _output, _sendQueue, new Http2HeaderReader(options), new Http2PeerLimits(options), options);
        ReceiveWindow = options.ConnectionReceiveWindow;
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

    internal Http2Role Role { get; }

    internal int OutputLength => _output.Length;

    /// <summary>The requests that are not yet released; a client does not count its own.</summary>
    internal int Occupied { get; private set; }

    /// <summary>The bytes of the header lists of requests that are not yet released.</summary>
    internal int HeldHeaders { get; private set; }

    /// <summary>Whether no further requests will come and all received ones are complete.</summary>
    internal bool IsDrained => (IsDraining || PeerGoesAway) && Occupied == 0;

    /// <summary>The bytes that we may send on the connection.</summary>
    internal int SendWindow => _sendQueue.ConnectionWindow;

    internal IHttp2ConnectionEvents Events { get; }

    /// <summary>The bytes that the peer may send on the connection.</summary>
    internal int ReceiveWindow { get; set; }

    /// <summary>The highest stream that the client (the peer or this side) opened.</summary>
    internal int LastStreamId { get; set; }

    /// <summary>The stream number for GOAWAY. 0 for a client, which serves no streams because push is disabled.</summary>
    private int LastServedStreamId => Role == Http2Role.Server ? LastStreamId : 0;

    internal bool IsDraining { get; private set; }

    internal bool PeerGoesAway { get; set; }

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
        LastStreamId += LastStreamId == 0 ? 1 : 2;
        Http2Stream stream = AddStream(LastStreamId);
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
            EndLocal(stream);
        }
    }

    /// <summary>Sends bytes on a stream whose earlier bytes are all sent.</summary>
    /// <returns>Whether all is taken; otherwise the memory must not change until <see cref="IHttp2ConnectionEvents.OnWritten"/> or the stream's end.</returns>
    internal bool Write(Http2Stream stream, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body) => _sendQueue.Write(stream, head, body);

    internal void WriteEnd(Http2Stream stream)
    {
        _output.WriteEnd(stream.Id);
        EndLocal(stream);
    }

    /// <summary>Ends a stream at once. Raises no event.</summary>
    internal void Reset(Http2Stream stream, Http2ErrorCode errorCode)
    {
        if (!stream.Closed)
        {
            Close(stream);
            WriteReset(stream.Id, errorCode);
        }
    }

    /// <summary>Returns window for bytes that the application has read.</summary>
    internal void Consume(Http2Stream stream, int count)
    {
        if (stream.Closed)
        {
            // All of it was credited when the stream closed.
            return;
        }

        stream.Unconsumed -= count;
        CreditConnection(count);
        if (stream.RemoteEnded)
        {
            return;
        }

        stream.Uncredited += count;
        if (stream.Uncredited >= _options.StreamReceiveWindow / 2)
        {
            _output.WriteWindowUpdate(stream.Id, stream.Uncredited);
            stream.ReceiveWindow += stream.Uncredited;
            stream.Uncredited = 0;
        }
    }

    internal void Release(Http2Stream stream)
    {
        Reset(stream, Http2ErrorCode.NoError);
        Occupied--;
        HeldHeaders -= stream.HeaderSize;
    }

    internal void Ping() => _output.WritePing("ocb-ping"u8);

    /// <summary>Sends GOAWAY: current requests are still served, further ones are ignored.</summary>
    internal void BeginShutdown()
    {
        if (!IsDraining)
        {
            IsDraining = true;
            _output.WriteGoAway(LastServedStreamId, Http2ErrorCode.NoError, isLast: false);
        }
    }

    /// <summary>Sends GOAWAY, if it says anything new, and drops all streams: their memory is no longer read.</summary>
    internal void Fail(Http2ErrorCode errorCode)
    {
        if (!IsDraining || errorCode != Http2ErrorCode.NoError)
        {
            IsDraining = true;
            _output.WriteGoAway(LastServedStreamId, errorCode, isLast: true);
        }

        foreach (Http2Stream stream in _streams.Values)
        {
            Http2SendQueue.Forget(stream);
            stream.Closed = true;
        }

        _streams.Clear();
    }

    public void Dispose()
    {
        _output.Dispose();
        _frames.Dispose();
    }

    internal Http2Stream? Find(int streamId) => _streams.GetValueOrDefault(streamId);

    /// <summary>Whether we reset the stream so recently that the peer may have sent before it knew.</summary>
    internal bool IsRecentlyReset(int streamId) => Array.IndexOf(_recentResets, streamId) >= 0;

    internal Http2Stream Open(int streamId, HeaderList headers)
    {
        Occupied++;
        HeldHeaders += headers.Size;
        Http2Stream stream = AddStream(streamId);
        stream.HeaderSize = headers.Size;
        return stream;
    }

    /// <summary>Writes RST_STREAM, also for a stream that was never opened.</summary>
    internal void WriteReset(int streamId, Http2ErrorCode errorCode)
    {
        _recentResets[_recentResetCount++ & (_recentResets.Length - 1)] = streamId;
        _output.WriteReset(streamId, errorCode);
    }

    internal void EndRemote(Http2Stream stream)
    {
        stream.RemoteEnded = true;
        CloseIfEnded(stream);
    }

    /// <summary>Removes a stream. Bytes that the application has not read are dropped and credited to the peer at once.</summary>
    internal void Close(Http2Stream stream)
    {
        stream.Closed = true;
        Http2SendQueue.Forget(stream);
        _streams.Remove(stream.Id);
        CreditConnection(stream.Unconsumed);
        stream.Unconsumed = 0;
    }

    internal void CreditConnection(int count)
    {
        _uncredited += count;
        if (_uncredited >= _options.ConnectionReceiveWindow / 2)
        {
            _output.WriteWindowUpdate(0, _uncredited);
            ReceiveWindow += _uncredited;
            _uncredited = 0;
        }
    }

    /// <summary>Changes the initial window of streams; open ones change by the difference (RFC 9113, 6.9.2).</summary>
    internal void SetPeerInitialWindow(uint window)
    {
        long difference = (long)window - _peerInitialWindow;
        _peerInitialWindow = window;
        foreach (Http2Stream stream in _streams.Values)
        {
            if (!_sendQueue.TryOpenStream(stream, difference))
            {
                throw new Http2Exception(Http2ErrorCode.FlowControlError, "A new SETTINGS_INITIAL_WINDOW_SIZE makes a stream's window overflow.");
            }
        }
    }

    private Http2Stream AddStream(int streamId)
    {
        Http2Stream stream = new(streamId, (int)_peerInitialWindow, _options.StreamReceiveWindow);
        _streams.Add(streamId, stream);
        return stream;
    }

    private void EndLocal(Http2Stream stream)
    {
        stream.LocalEnded = true;
        CloseIfEnded(stream);
    }

    private void CloseIfEnded(Http2Stream stream)
    {
        if (stream.LocalEnded && stream.RemoteEnded && !stream.Closed)
        {
            Close(stream);
        }
    }
}
