using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// The state of one side of a connection: its streams and windows. <see cref="Http2Connection"/> changes it by commands, the handlers of frames by
/// input, and it knows neither.
/// </summary>
internal sealed class Http2ConnectionState(Http2Options options, IHttp2ConnectionEvents events, Http2Role role, Http2Output output, Http2SendQueue sendQueue)
{
    private readonly Dictionary<int, Http2Stream> _streams = [];

    // Streams that we reset while the peer could still send: frames that it sent before it knew are ignored.
    private readonly int[] _recentResets = new int[128];
    private int _recentResetCount;
    private int _uncredited;
    private uint _peerInitialWindow = Http2SendQueue.DefaultWindow;

    internal Http2Role Role => role;

    internal IHttp2ConnectionEvents Events => events;

    /// <summary>The requests that are not yet released; a client does not count its own.</summary>
    internal int Occupied { get; private set; }

    /// <summary>The bytes of the header lists of requests that are not yet released.</summary>
    internal int HeldHeaders { get; private set; }

    /// <summary>The bytes that the peer may send on the connection.</summary>
    internal int ReceiveWindow { get; set; } = options.ConnectionReceiveWindow;

    /// <summary>The highest stream that the client (the peer or this side) opened.</summary>
    internal int LastStreamId { get; set; }

    internal bool IsDraining { get; set; }

    internal bool PeerGoesAway { get; set; }

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
        if (stream.Uncredited >= options.StreamReceiveWindow / 2)
        {
            output.WriteWindowUpdate(stream.Id, stream.Uncredited);
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

    /// <summary>Drops all streams: their memory is no longer read.</summary>
    internal void DropAll()
    {
        foreach (Http2Stream stream in _streams.Values)
        {
            Http2SendQueue.Forget(stream);
            stream.Closed = true;
        }

        _streams.Clear();
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
        output.WriteReset(streamId, errorCode);
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
        if (_uncredited >= options.ConnectionReceiveWindow / 2)
        {
            output.WriteWindowUpdate(0, _uncredited);
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
            if (!sendQueue.TryOpenStream(stream, difference))
            {
                throw new Http2Exception(Http2ErrorCode.FlowControlError, "A new SETTINGS_INITIAL_WINDOW_SIZE makes a stream's window overflow.");
            }
        }
    }

    internal Http2Stream AddStream(int streamId)
    {
        Http2Stream stream = new(streamId, (int)_peerInitialWindow, options.StreamReceiveWindow);
        _streams.Add(streamId, stream);
        return stream;
    }

    internal void EndLocal(Http2Stream stream)
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
