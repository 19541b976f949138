namespace OpenCloud.Build.Client.Session;

/// <summary>
/// Assembles an agent's messages from the pieces that arrive. Each byte is moved once when it arrives, and at most once more when messages before
/// it were taken, however small the pieces are.
/// </summary>
internal sealed class SshMessageBuffer
{
    private byte[] _bytes = new byte[1024];
    private int _start;
    private int _end;

    /// <summary>How often bytes that had arrived before were moved: for tests.</summary>
    internal long Moved { get; private set; }

    public void Add(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > _bytes.Length - _end)
        {
            int kept = _end - _start;
            byte[] target = kept + piece.Length > _bytes.Length / 2 ? new byte[Math.Max(_bytes.Length * 2, (kept + piece.Length) * 2)] : _bytes;
            _bytes.AsSpan(_start, kept).CopyTo(target);
            Moved += kept;
            (_bytes, _start, _end) = (target, 0, kept);
        }

        piece.CopyTo(_bytes.AsSpan(_end));
        _end += piece.Length;
    }

    /// <summary>Takes the next whole message, with its length; it is valid until more is added.</summary>
    /// <exception cref="InvalidDataException">The message is empty or too long.</exception>
    public bool TryTake(out ReadOnlyMemory<byte> message)
    {
        if (SshAgentFilter.LengthOf(_bytes.AsSpan(_start, _end - _start)) is { } length && _end - _start >= length)
        {
            message = _bytes.AsMemory(_start, length);
            _start += length;
            if (_start == _end)
            {
                _start = _end = 0;
            }

            return true;
        }

        message = default;
        return false;
    }
}
