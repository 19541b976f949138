namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>The protocol state of one stream of an <see cref="Http2Connection"/>, which alone changes it.</summary>
internal sealed class Http2Stream(int id, int sendWindow, int receiveWindow)
{
    /// <summary>The stream's number.</summary>
    internal int Id { get; } = id;

    /// <summary>What the driver attaches.</summary>
    internal object? Owner { get; set; }

    /// <summary>The octets that we may send. Negative after the peer has lowered its initial window (RFC 9113, 6.9.2).</summary>
    internal int SendWindow { get; set; } = sendWindow;

    /// <summary>The octets that the peer may send.</summary>
    internal int ReceiveWindow { get; set; } = receiveWindow;

    /// <summary>Octets received, but not yet consumed.</summary>
    internal int Unconsumed { get; set; }

    /// <summary>Octets consumed, but not yet allowed again by a WINDOW_UPDATE.</summary>
    internal int Uncredited { get; set; }

    /// <summary>What is still to come of the announced content-length, or -1 when there is none.</summary>
    internal long ContentLeft { get; set; } = -1;

    /// <summary>The octets of the request's header list.</summary>
    internal int HeaderSize { get; set; }

    /// <summary>The peer sends nothing more.</summary>
    internal bool RemoteEnded { get; set; }

    /// <summary>We send nothing more.</summary>
    internal bool LocalEnded { get; set; }

    /// <summary>The response's header fields have come; those of a request always have.</summary>
    internal bool ResponseSeen { get; set; }

    /// <summary>Our header fields are sent.</summary>
    internal bool HeadersSent { get; set; }

    /// <summary>The stream has ended both ways or was reset.</summary>
    internal bool Closed { get; set; }

    /// <summary>The first part of what is to be sent as soon as possible.</summary>
    internal ReadOnlyMemory<byte> PendingHead { get; set; }

    /// <summary>The second part.</summary>
    internal ReadOnlyMemory<byte> PendingBody { get; set; }

    /// <summary>The stream waits in the queue of those that may send.</summary>
    internal bool Queued { get; set; }

    /// <summary>The octets that are to be sent as soon as possible.</summary>
    internal int PendingLength => PendingHead.Length + PendingBody.Length;
}
