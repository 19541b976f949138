using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// One side of an HTTP/2 connection without any I/O (RFC 9113): octets go in and events come out; commands go in and octets come out.
/// Not safe for concurrent use. This part has the commands; what comes in is handled by <see cref="Http2FrameHandler"/>.
/// </summary>
internal sealed class Http2Connection : IDisposable
{
    private readonly Http2Options _options;
    private readonly Http2Output _output;
    private readonly Http2SendQueue _sendQueue;
    private readonly Http2FrameHandler _frames;
    private readonly Dictionary<int, Http2Stream> _streams = [];

    // Streams that we reset while the peer could still send: what it had sent before it knew is ignored.
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

    /// <summary>Which side this is.</summary>
    internal Http2Role Role { get; }

    /// <summary>The octets that wait for the transport.</summary>
    internal int OutputLength => _output.Length;

    /// <summary>The requests that are not yet released; a client does not count its own.</summary>
    internal int Occupied { get; private set; }

    /// <summary>The octets of the header lists of requests that are not yet released.</summary>
    internal int HeldHeaders { get; private set; }

    /// <summary>Whether no further requests will come, and those that came are done with.</summary>
    internal bool IsDrained => (IsDraining || PeerGoesAway) && Occupied == 0;

    /// <summary>The octets that we may send on the connection.</summary>
    internal int SendWindow => _sendQueue.ConnectionWindow;

    /// <summary>Where events go.</summary>
    internal IHttp2ConnectionEvents Events { get; }

    /// <summary>The octets that the peer may send on the connection.</summary>
    internal int ReceiveWindow { get; set; }

    /// <summary>The highest stream that the client, be it the peer or us, opened.</summary>
    internal int LastStreamId { get; set; }

    /// <summary>What GOAWAY names: a client serves nothing, as nothing is pushed to it.</summary>
    private int LastServedStreamId => Role == Http2Role.Server ? LastStreamId : 0;

    /// <summary>We have sent GOAWAY.</summary>
    internal bool IsDraining { get; private set; }

    /// <summary>The peer has sent GOAWAY.</summary>
    internal bool PeerGoesAway { get; set; }

    /// <summary>Takes in what the peer sent.</summary>
    /// <param name="input">What came, beginning with what an earlier call left.</param>
    /// <returns>How many octets are done with. The rest, less than a frame, is to be given again with more behind it.</returns>
    /// <exception cref="Http2Exception">The peer broke the connection; <see cref="Fail"/> is due, and nothing more may be taken in.</exception>
    internal int Receive(ReadOnlySpan<byte> input)
    {
        int consumed = _frames.Receive(input);
        _sendQueue.Pump();
        return consumed;
    }

    /// <summary>Takes all that waits for the transport; room that this makes is filled at once with what streams have to send.</summary>
    /// <param name="empty">The buffer that takes its place.</param>
    internal PooledBuffer TakeOutput(PooledBuffer empty)
    {
        PooledBuffer gather = _output.Take(empty);
        _sendQueue.Pump();
        return gather;
    }

    /// <summary>Sends a request's header fields on a new stream. A client's only.</summary>
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

    /// <summary>Sends octets on a stream, of which all is sent that was handed over before.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="head">The first octets.</param>
    /// <param name="body">The octets that follow them.</param>
    /// <returns>Whether all is taken; otherwise the memory must stay as it is until <see cref="IHttp2ConnectionEvents.OnWritten"/> or the stream's end.</returns>
    internal bool Write(Http2Stream stream, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body) => _sendQueue.Write(stream, head, body);

    /// <summary>Ends our side of a stream.</summary>
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

    /// <summary>Received octets were read by the application: the peer may send as many again.</summary>
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

    /// <summary>A request is done with; its place may be taken by another.</summary>
    internal void Release(Http2Stream stream)
    {
        Reset(stream, Http2ErrorCode.NoError);
        Occupied--;
        HeldHeaders -= stream.HeaderSize;
    }

    /// <summary>Asks the peer for a sign of life.</summary>
    internal void Ping() => _output.WritePing("ocb-ping"u8);

    /// <summary>Sends GOAWAY: requests that are there are still served, further ones are ignored.</summary>
    internal void BeginShutdown()
    {
        if (!IsDraining)
        {
            IsDraining = true;
            _output.WriteGoAway(LastServedStreamId, Http2ErrorCode.NoError, isLast: false);
        }
    }

    /// <summary>Sends GOAWAY, if that says anything new, and drops all streams: their memory is not looked at any more.</summary>
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

    /// <inheritdoc/>
    public void Dispose()
    {
        _output.Dispose();
        _frames.Dispose();
    }

    /// <summary>The open stream of a number, or null.</summary>
    internal Http2Stream? Find(int streamId) => _streams.GetValueOrDefault(streamId);

    /// <summary>Whether we have reset a stream so recently that the peer may not have known when it sent.</summary>
    internal bool IsRecentlyReset(int streamId) => Array.IndexOf(_recentResets, streamId) >= 0;

    /// <summary>Adds a stream that the peer has opened with a header list.</summary>
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

    /// <summary>The peer sends nothing more on a stream.</summary>
    internal void EndRemote(Http2Stream stream)
    {
        stream.RemoteEnded = true;
        CloseIfEnded(stream);
    }

    /// <summary>Removes a stream. What the application has not read is lost, so the peer gets it back at once.</summary>
    internal void Close(Http2Stream stream)
    {
        stream.Closed = true;
        Http2SendQueue.Forget(stream);
        _streams.Remove(stream.Id);
        CreditConnection(stream.Unconsumed);
        stream.Unconsumed = 0;
    }

    /// <summary>Allows the peer octets on the connection again.</summary>
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

    /// <summary>The peer changes the window with which streams begin; open ones change by the difference (RFC 9113, 6.9.2).</summary>
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
