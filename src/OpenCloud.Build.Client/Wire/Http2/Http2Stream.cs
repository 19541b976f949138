namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>The protocol state of one stream. Only its <see cref="Http2ConnectionState"/> changes it.</summary>
internal sealed class Http2Stream(int id, int sendWindow, int receiveWindow)
{
    internal int Id { get; } = id;

    internal object? Owner { get; set; }

    /// <summary>The bytes that we may send. Negative after the peer has lowered its initial window (RFC 9113, 6.9.2).</summary>
    internal int SendWindow { get; set; } = sendWindow;

    /// <summary>The bytes that the peer may send.</summary>
    internal int ReceiveWindow { get; set; } = receiveWindow;

    /// <summary>Bytes received, but not yet consumed.</summary>
    internal int Unconsumed { get; set; }

    /// <summary>Bytes consumed, but not yet returned to the peer by a WINDOW_UPDATE.</summary>
    internal int Uncredited { get; set; }

    /// <summary>The rest of the announced content-length, or -1 when there is none.</summary>
    internal long ContentLeft { get; set; } = -1;

    /// <summary>The bytes of the request's header list.</summary>
    internal int HeaderSize { get; set; }

    internal bool RemoteEnded { get; set; }

    internal bool LocalEnded { get; set; }

    /// <summary>Whether the response's header fields have arrived. For a client's streams only.</summary>
    internal bool ResponseSeen { get; set; }

    internal bool HeadersSent { get; set; }

    internal bool Closed { get; set; }

    internal ReadOnlyMemory<byte> PendingHead { get; set; }

    internal ReadOnlyMemory<byte> PendingBody { get; set; }

    internal bool Queued { get; set; }

    internal int PendingLength => PendingHead.Length + PendingBody.Length;
}
