namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// Decides which stream's DATA goes out next, within the peer's windows (RFC 9113, 5.2) and the room of the output. Streams that can
/// send take turns; one that waits for its own window is skipped until it opens.
/// </summary>
internal sealed class Http2SendQueue(Http2Output output, IHttp2ConnectionEvents events)
{
    /// <summary>The initial size of windows, in bytes (RFC 9113, 6.9.2).</summary>
    internal const int DefaultWindow = 65535;

    // The most that a stream sends in one turn, in bytes.
    private const int Turn = 64 * 1024;

    private readonly Queue<Http2Stream> _waiting = new();
    private int _window = DefaultWindow;

    internal int ConnectionWindow => _window;

    /// <summary>Sends what can be sent now.</summary>
    /// <returns>Whether that was all; otherwise <see cref="IHttp2ConnectionEvents.OnWritten"/> follows.</returns>
    internal bool Write(Http2Stream stream, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body)
    {
        stream.PendingHead = head;
        stream.PendingBody = body;
        if (_waiting.Count == 0)
        {
            Send(stream, int.MaxValue);
        }

        if (stream.PendingLength == 0)
        {
            return true;
        }

        EnqueueIfAble(stream);
        return false;
    }

    internal static void Forget(Http2Stream stream)
    {
        stream.PendingHead = default;
        stream.PendingBody = default;
    }

    internal void Pump()
    {
        while (_window > 0 && output.HasRoom && _waiting.TryDequeue(out Http2Stream? stream))
        {
            stream.Queued = false;
            if (stream.PendingLength == 0)
            {
                continue;
            }

            Send(stream, Turn);
            if (stream.PendingLength == 0)
            {
                events.OnWritten(stream);
            }
            else
            {
                EnqueueIfAble(stream);
            }
        }
    }

    /// <summary>Enlarges the connection's window.</summary>
    /// <returns>False when the window overflows.</returns>
    internal bool TryOpenConnection(int increment)
    {
        long window = (long)_window + increment;
        if (window > int.MaxValue)
        {
            return false;
        }

        _window = (int)window;
        return true;
    }

    /// <summary>Changes a stream's window.</summary>
    /// <returns>False when the window overflows.</returns>
    internal bool TryOpenStream(Http2Stream stream, long increment)
    {
        long window = stream.SendWindow + increment;
        if (window is > int.MaxValue or < int.MinValue)
        {
            return false;
        }

        stream.SendWindow = (int)window;
        if (stream.PendingLength > 0)
        {
            EnqueueIfAble(stream);
        }

        return true;
    }

    private void EnqueueIfAble(Http2Stream stream)
    {
        if (stream.SendWindow > 0 && !stream.Queued)
        {
            stream.Queued = true;
            _waiting.Enqueue(stream);
        }
    }

    private void Send(Http2Stream stream, int limit)
    {
        while (output.HasRoom && stream.PendingLength > 0)
        {
            int allowed = Math.Min(Math.Min(stream.SendWindow, _window), limit);
            if (allowed <= 0)
            {
                return;
            }

            int sent = output.WriteData(stream.Id, stream.PendingHead.Span, stream.PendingBody.Span, allowed);
            int fromHead = Math.Min(sent, stream.PendingHead.Length);
            stream.PendingHead = stream.PendingHead[fromHead..];
            stream.PendingBody = stream.PendingBody[(sent - fromHead)..];
            stream.SendWindow -= sent;
            _window -= sent;
            limit -= sent;
        }
    }
}
