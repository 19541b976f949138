using Grpc.Core;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2;

namespace OpenCloud.Build.Client.Wire;

/// <summary>
/// Reads messages from one direction of a call, as client or server. Small messages are read many at a time; large ones directly
/// into their own array. Compressed messages fail with the given status (see <see cref="GrpcPrefix.Read"/>). The calls of a connection share
/// the budget; the last message counts until the next is requested.
/// </summary>
internal sealed class MessageReader(IByteReader source, int limit, StatusCode compressed, MessageBudget? budget = null) : IDisposable
{
    private const int BufferSize = 16 * 1024;
    private const int FirstArraySize = 256 * 1024;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private int _taken;

    /// <summary>Reads the next message.</summary>
    /// <returns>The message, which the caller disposes, or null at the end.</returns>
    /// <exception cref="RpcException">The message is too large, compressed or cut off.</exception>
    internal async ValueTask<ReceivedMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        ReturnTaken();
        while (_end - _start < GrpcPrefix.Length)
        {
            if (!await FillAsync(cancellationToken).ConfigureAwait(false))
            {
                return _end == _start ? null : throw Truncated();
            }
        }

        int length = GrpcPrefix.Read(_buffer.AsSpan(_start), limit, compressed);
        _start += GrpcPrefix.Length;

        // The announced length alone gets no large array: the array grows with the received data.
        Take(Math.Min(length, FirstArraySize));
        byte[] message = BufferPool.Rent(Math.Min(length, FirstArraySize));
        int filled = Math.Min(length, _end - _start);
        _buffer.AsSpan(_start, filled).CopyTo(message);
        _start += filled;
        while (filled < length)
        {
            if (filled == message.Length)
            {
                int next = (int)Math.Min(length, message.Length * 2L);
                Take(next - _taken);
                byte[] larger = BufferPool.Rent(next);
                message.CopyTo(larger, 0);
                BufferPool.Return(message);
                message = larger;
            }

            // A read that fails leaves the array to the garbage collector: the read may still write to it.
            int count = await source.ReadAsync(message.AsMemory(filled, Math.Min(message.Length, length) - filled), cancellationToken).ConfigureAwait(false);
            filled += count > 0 ? count : throw Truncated();
        }

        return new ReceivedMessage(message, length);
    }

    /// <summary>Returns the buffer. No read may be under way.</summary>
    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _start = _end = 0;
        BufferPool.Return(buffer);
        ReturnTaken();
    }

    private void Take(int count)
    {
        budget?.Take(count, _taken);
        _taken += count;
    }

    private void ReturnTaken()
    {
        budget?.Return(_taken);
        _taken = 0;
    }

    private static RpcException Truncated() => CallErrors.Create(StatusCode.Internal, "The data from the engine ends in the middle of a message.");

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_buffer.Length == 0)
        {
            _buffer = BufferPool.Rent(BufferSize);
        }

        // Called with less than a prefix left, so moving it is cheap.
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        int count = await source.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        _end += count;
        return count > 0;
    }
}
