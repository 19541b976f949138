using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// The data of the <c>BytesMessage</c>s of a duplex call (<c>bytes data = 1</c>; BuildKit's Control.Session), as a stream.
/// One reader and one writer at a time, which may be two tasks.
/// </summary>
/// <remarks>
/// Writes are gathered in a small buffer and sent as one message at the next <see cref="FlushAsync(CancellationToken)"/> or when the
/// buffer is full. A large write is sent at once, in messages of at most 1 MiB, and is not copied here. Reads return available data, across messages.
/// </remarks>
internal sealed class BytesMessageStream : ConnectionStream, IInterruptibleReader
{
    /// <summary>The most data in a message: older daemons accept messages of 4 MiB, and sharing the link fairly matters more than prefix bytes.</summary>
    internal const int LargestData = 1024 * 1024;

    private const int BufferSize = 2 * 16384;

    // Room for the longest prefix of the data.
    private const int Headroom = GrpcPrefix.Length + BytesField.MaxHeadLength;
    private const int ReadBufferSize = 32 * 1024;

    private readonly DedicatedCall _call;
    private readonly BytesMessageReader _reader = new();
    private byte[]? _out = BufferPool.Rent(BufferSize);
    private byte[]? _in = BufferPool.Rent(ReadBufferSize);
    private int _pending;
    private int _inStart;
    private int _inEnd;
    private int _writing;
    private int _reading;
    private bool _completed;
    private int _disposed;

    private BytesMessageStream(DedicatedCall call) => _call = call;

    public long BytesWritten { get; private set; }

    public long BytesRead { get; private set; }

    /// <summary>Takes ownership of a call with its own connection; message data is read and written in place.</summary>
    /// <exception cref="EngineConnectException">The engine cannot be reached.</exception>
    public static async Task<BytesMessageStream> OpenAsync(AsyncDuplexStreamingCall<BytesMessage, BytesMessage> call) =>
        new(await ((DedicatedExchange)call.RequestStream).Call.ConfigureAwait(false));

    /// <inheritdoc/>
    /// <exception cref="IOException">The call has ended; the inner exception says why.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter(ref _writing, "write");
        try
        {
            BytesWritten += buffer.Length;
            while (buffer.Length > 0)
            {
                int room = BufferSize - Headroom - _pending;
                if (buffer.Length < room)
                {
                    buffer.Span.CopyTo(_out.AsSpan(Headroom + _pending));
                    _pending += buffer.Length;
                    return;
                }

                int taken = Math.Min(buffer.Length, LargestData - _pending);
                await SendAsync(buffer[..taken], cancellationToken).ConfigureAwait(false);
                buffer = buffer[taken..];
            }
        }
        catch (RpcException e)
        {
            throw Broken(e);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    /// <summary>Sends pending data.</summary>
    /// <exception cref="IOException">The call has ended; the inner exception says why.</exception>
    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        Enter(ref _writing, "flush");
        try
        {
            if (_pending > 0)
            {
                await SendAsync(ReadOnlyMemory<byte>.Empty, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (RpcException e)
        {
            throw Broken(e);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    public bool TryInterruptRead() => _call.TryInterruptRead();

    /// <summary>Sends pending data and ends this direction: the peer reads to the end and may still answer.</summary>
    public async Task CompleteWritingAsync(CancellationToken cancellationToken = default)
    {
        if (!_completed)
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
            _completed = true;
            _call.CompleteWriting();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The call did not end with status Ok, which reads as 0 bytes; the inner exception says why.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter(ref _reading, "read");
        try
        {
            int read = await ReadDataAsync(buffer, cancellationToken).ConfigureAwait(false);
            BytesRead += read;
            return read;
        }
        catch (RpcException e)
        {
            throw Broken(e);
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>Ends both directions at once. Unflushed data is dropped unless <see cref="CompleteWritingAsync"/> is called first.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _call.DisposeAsync().ConfigureAwait(false);
        // A buffer that a read or write still uses is left to the garbage collector, not returned to the pool.
        ReturnIfIdle(ref _writing, ref _out);
        ReturnIfIdle(ref _reading, ref _in);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    private static void ReturnIfIdle(ref int busy, ref byte[]? buffer)
    {
        if (Interlocked.CompareExchange(ref busy, 1, 0) == 0 && Interlocked.Exchange(ref buffer, null) is { } idle)
        {
            // Secrets and credentials pass through here.
            idle.AsSpan().Clear();
            BufferPool.Return(idle);
        }
    }

    private ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        byte[] buffer = _out!;
        int length = _pending + data.Length;
        int head = BytesField.HeadSize(length);
        int start = Headroom - GrpcPrefix.Length - head;
        GrpcPrefix.Write(buffer.AsSpan(start), head + length);
        BytesField.WriteHead(buffer.AsSpan(start + GrpcPrefix.Length), length);
        int filled = Headroom + _pending;
        _pending = 0;
        return _call.WriteAsync(buffer.AsMemory(start, filled - start), data, cancellationToken);
    }

    private async ValueTask<int> ReadDataAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_inStart < _inEnd)
            {
                int consumed = Parse(_in.AsSpan(_inStart, _inEnd - _inStart));
                _inStart += consumed;
                if (_reader.DataLeft > 0)
                {
                    if (buffer.Length == 0)
                    {
                        return 0;
                    }

                    int available = (int)Math.Min(Math.Min(_reader.DataLeft, _inEnd - _inStart), buffer.Length);
                    if (available > 0)
                    {
                        _in.AsSpan(_inStart, available).CopyTo(buffer.Span);
                        _inStart += available;
                        _reader.DataLeft -= available;
                        return available;
                    }
                }

                if (_inStart < _inEnd)
                {
                    continue;
                }
            }
            // With the buffer empty and much data to come, it is read directly into the caller's buffer.
            if (_reader.DataLeft >= ReadBufferSize && buffer.Length >= ReadBufferSize)
            {
                int direct = await _call.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _reader.DataLeft)], cancellationToken).ConfigureAwait(false);
                if (direct == 0)
                {
                    throw _call.Fail(Truncated());
                }

                _reader.DataLeft -= direct;
                return direct;
            }

            _inStart = 0;
            _inEnd = await _call.ReadAsync(_in.AsMemory(0, ReadBufferSize), cancellationToken).ConfigureAwait(false);
            if (_inEnd == 0)
            {
                return _reader.IsBetweenMessages ? 0 : throw _call.Fail(Truncated());
            }
        }
    }

    private int Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return _reader.Parse(bytes);
        }
        catch (RpcException e)
        {
            throw _call.Fail(e);
        }
    }

    private void Enter(ref int busy, string what)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (Interlocked.CompareExchange(ref busy, 1, 0) != 0)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            throw new InvalidOperationException($"A {what} began while another one on the same stream was under way.");
        }
    }

    private static RpcException Truncated() => CallErrors.Create(StatusCode.Internal, "The data from the engine ends in the middle of a message.");

    private static IOException Broken(RpcException e) => new($"The stream to the engine ended: {e.Message}", e);
}
