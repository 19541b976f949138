using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Client.Streams;

/// <summary>
/// A socket whose reads and writes, even asynchronous ones, block the calling thread until they are done, for threads without
/// other work. .NET's own wait for a socket involves three threads: one that polls all sockets, one of the pool, and the awaiter's.
/// </summary>
/// <remarks>One reader and one writer at a time.</remarks>
internal sealed class BlockingSocketStream : ConnectionStream, IInterruptibleReader
{
    // How long a peer may still send after the shutdown; the caller does not wait for it.
    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(500);

    private readonly NetworkStream _stream;
    private readonly WorkQueue _work;
    private readonly Socket _socket;
    private readonly SafeFileHandle _readWaker;
    private readonly SafeFileHandle _writeWaker;
    private int _closing;
    private volatile bool _interrupted;

    /// <summary>Takes ownership of a connected socket. The queue runs the wait for the peer's end.</summary>
    public BlockingSocketStream(NetworkStream stream, WorkQueue work)
    {
        _stream = stream;
        _work = work;
        _socket = stream.Socket;
        _readWaker = CreateWaker();
        try
        {
            _writeWaker = CreateWaker();
        }
        catch
        {
            _readWaker.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>A canceled read has taken no bytes.</remarks>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return ValueTask.FromResult(Receive(buffer.Span, cancellationToken));
        }
        catch (Exception e)
        {
            return ValueTask.FromException<int>(e);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            Send(buffer.Span, cancellationToken);
            return ValueTask.CompletedTask;
        }
        catch (Exception e)
        {
            return ValueTask.FromException(e);
        }
    }

    public bool TryInterruptRead()
    {
        _interrupted = true;
        Wake(_readWaker);
        (_stream as IEndedConnection)?.StopExplaining();
        return true;
    }

    public override int Read(Span<byte> buffer) => Receive(buffer, CancellationToken.None);

    public override void Write(ReadOnlySpan<byte> buffer) => Send(buffer, CancellationToken.None);

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Shuts down sending, and discards what the peer still sends until it closes, too: closing a socket with unread
    /// data resets it, and the peer may lose the last data sent to it.
    /// </summary>
    public override ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closing, 1) == 0)
        {
            (_stream as IEndedConnection)?.StopExplaining();
            try
            {
                _socket.Shutdown(SocketShutdown.Send);
                _work.Queue(static stream => ((BlockingSocketStream)stream!).Drain(), this);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                Dispose();
            }
        }

        return ValueTask.CompletedTask;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            try
            {
                // Blocked callers return; the descriptor stays open for them until then.
                _socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The peer, or another caller, shut it down first.
            }

            _stream.Dispose();
            _readWaker.Dispose();
            _writeWaker.Dispose();
        }

        base.Dispose(disposing);
    }

    private unsafe void Drain()
    {
        byte* dropped = stackalloc byte[4096];
        long start = Stopwatch.GetTimestamp();
        SafeSocketHandle socket = _socket.SafeHandle;
        bool held = false;
        try
        {
            socket.DangerousAddRef(ref held);
            PollDescriptor descriptor = new() { Descriptor = (int)socket.DangerousGetHandle(), Events = LinuxCalls.Readable };
            while (DrainTime - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } left && LinuxCalls.Poll(&descriptor, 1, (int)left.TotalMilliseconds + 1) != 0)
            {
                if (LinuxCalls.Receive(socket, dropped, 4096, LinuxCalls.DontWait) <= 0 && LinuxCalls.LastError is not (LinuxCalls.TryAgain or LinuxCalls.Interrupted))
                {
                    // The peer has closed or is gone.
                    break;
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile.
        }
        finally
        {
            if (held)
            {
                socket.DangerousRelease();
            }
        }

        Dispose();
    }

    private static SafeFileHandle CreateWaker()
    {
        int descriptor = LinuxCalls.EventDescriptor(0, LinuxCalls.CloseOnExec | LinuxCalls.NonBlocking);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw new IOException($"A session requires another file descriptor: {LinuxCalls.Describe(LinuxCalls.LastError)}.");
    }

    private unsafe int Receive(Span<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (!_interrupted)
        {
            nint count;
            fixed (byte* start = buffer)
            {
                count = LinuxCalls.Receive(_socket.SafeHandle, start, (nuint)buffer.Length, LinuxCalls.DontWait);
            }

            if (count > 0 || (count == 0 && buffer.IsEmpty))
            {
                return (int)count;
            }

            if (count == 0)
            {
                return _closing == 0 && !_interrupted && _stream is IEndedConnection ended && ended.WhyEnded(cancellationToken) is { } why ? throw why : 0;
            }

            WaitOrThrow(LinuxCalls.Readable, _readWaker, cancellationToken);
        }

        return 0;
    }

    private unsafe void Send(ReadOnlySpan<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (!buffer.IsEmpty)
        {
            nint count;
            fixed (byte* start = buffer)
            {
                count = LinuxCalls.Send(_socket.SafeHandle, start, (nuint)buffer.Length, LinuxCalls.DontWait | LinuxCalls.NoSignal);
            }

            if (count >= 0)
            {
                buffer = buffer[(int)count..];
            }
            else
            {
                WaitOrThrow(LinuxCalls.Writable, _writeWaker, cancellationToken);
            }
        }
    }

    /// <summary>Waits when the last call would block, returns at once when it was interrupted, and throws for any other error.</summary>
    private unsafe void WaitOrThrow(short condition, SafeFileHandle waker, CancellationToken cancellationToken)
    {
        int error = LinuxCalls.LastError;
        if (error == LinuxCalls.Interrupted)
        {
            return;
        }

        if (error != LinuxCalls.TryAgain)
        {
            throw new IOException($"The connection was lost: {LinuxCalls.Describe(error)}.");
        }

        SafeSocketHandle socket = _socket.SafeHandle;
        bool socketHeld = false;
        bool wakerHeld = false;
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static waker => Wake((SafeFileHandle)waker!), waker);
        try
        {
            socket.DangerousAddRef(ref socketHeld);
            waker.DangerousAddRef(ref wakerHeld);
            PollDescriptor* descriptors = stackalloc PollDescriptor[2];
            descriptors[0] = new PollDescriptor { Descriptor = (int)socket.DangerousGetHandle(), Events = condition };
            descriptors[1] = new PollDescriptor { Descriptor = (int)waker.DangerousGetHandle(), Events = LinuxCalls.Readable };
            _ = LinuxCalls.Poll(descriptors, 2, -1);
            if (descriptors[1].Occurred != 0)
            {
                ulong count;
                _ = LinuxCalls.ReadRaw((int)waker.DangerousGetHandle(), &count, sizeof(ulong));
            }
        }
        finally
        {
            registration.Dispose();
            if (wakerHeld)
            {
                waker.DangerousRelease();
            }

            if (socketHeld)
            {
                socket.DangerousRelease();
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private static unsafe void Wake(SafeFileHandle waker)
    {
        bool held = false;
        try
        {
            waker.DangerousAddRef(ref held);
            ulong one = 1;
            _ = LinuxCalls.WriteRaw((int)waker.DangerousGetHandle(), &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // No caller waits any longer.
        }
        finally
        {
            if (held)
            {
                waker.DangerousRelease();
            }
        }
    }
}
