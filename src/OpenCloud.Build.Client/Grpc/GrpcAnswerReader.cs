using Google.Protobuf;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>The messages of the answer to a <see cref="GrpcExclusiveCall"/>. One reader at a time.</summary>
/// <param name="call">The call, which stays the caller's.</param>
/// <param name="engine">The engine's name, for errors.</param>
internal sealed class GrpcAnswerReader(GrpcExclusiveCall call, string engine) : IDisposable
{
    private const int BufferSize = 16 * 1024;

    private byte[] _buffer = BufferPool.Shared.Rent(BufferSize);
    private int _start;
    private int _end;

    /// <summary>Reads the next message; null when the answer ended with status Ok.</summary>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        if (!await FillAsync(GrpcFrame.PrefixLength, cancellationToken).ConfigureAwait(false))
        {
            return null;
        }

        int length = ReadLength();
        await FillAsync(GrpcFrame.PrefixLength + length, cancellationToken).ConfigureAwait(false);
        try
        {
            T message = parser.ParseFrom(_buffer, _start + GrpcFrame.PrefixLength, length);
            _start += GrpcFrame.PrefixLength + length;
            return message;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw call.Fail(new GrpcException(new GrpcStatus(GrpcStatusCode.Internal, $"{engine} sent what is no {typeof(T).Name}."), [], e));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        if (buffer.Length > 0)
        {
            BufferPool.Shared.Return(buffer);
        }
    }

    private int ReadLength()
    {
        try
        {
            return GrpcFrame.ReadPrefix(_buffer.AsSpan(_start));
        }
        catch (GrpcException e)
        {
            throw call.Fail(e);
        }
    }

    /// <summary>Has so many bytes in the buffer; false when the answer ended before the first of them.</summary>
    private async ValueTask<bool> FillAsync(int count, CancellationToken cancellationToken)
    {
        while (_end - _start < count)
        {
            MakeRoom(count);
            int read = await call.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return _end == _start ? false : throw call.Fail(call.Truncated());
            }

            _end += read;
        }

        return true;
    }

    private void MakeRoom(int count)
    {
        if (_end < _buffer.Length && _buffer.Length - _start >= count)
        {
            return;
        }

        // A length alone gets no large array: it grows with what has really come.
        byte[] from = _buffer;
        if (_end - _start == from.Length)
        {
            _buffer = BufferPool.Shared.Rent(Math.Min(count, from.Length * 2));
        }

        from.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        if (_buffer != from)
        {
            BufferPool.Shared.Return(from);
        }
    }
}
