namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>Takes one direction of a connection apart at the beginnings of its frames (RFC 9113, 4.1), whatever pieces it comes in.</summary>
/// <param name="isDocker">Whether an HTTP/1.1 upgrade comes first, which ends with an empty line.</param>
/// <param name="fromEngine">Whether it is a server's direction, which has no preface.</param>
internal sealed class FrameSplitter(bool isDocker, bool fromEngine)
{
    private const int HeaderSize = 9;
    private const int PrefaceSize = 24;

    private readonly byte[] _header = new byte[HeaderSize];
    private bool _inUpgrade = isDocker;
    private int _upgradeEnd;
    private int _pass = isDocker || fromEngine ? 0 : PrefaceSize;
    private int _have;

    /// <summary>The pieces, in order; a piece that begins a frame has its whole header.</summary>
    public IEnumerable<(ReadOnlyMemory<byte> Piece, bool BeginsFrame)> Split(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_inUpgrade)
            {
                int end = EndOfUpgrade(bytes.Span);
                yield return (bytes[..end], false);
                bytes = bytes[end..];
            }
            else if (_pass > 0)
            {
                int count = Math.Min(_pass, bytes.Length);
                _pass -= count;
                yield return (bytes[..count], false);
                bytes = bytes[count..];
            }
            else
            {
                int count = Math.Min(HeaderSize - _have, bytes.Length);
                bytes[..count].CopyTo(_header.AsMemory(_have));
                _have += count;
                bytes = bytes[count..];
                if (_have == HeaderSize)
                {
                    _have = 0;
                    _pass = (_header[0] << 16) | (_header[1] << 8) | _header[2];
                    yield return (_header.ToArray(), true);
                }
            }
        }
    }

    private int EndOfUpgrade(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> emptyLine = "\r\n\r\n"u8;
        for (int i = 0; i < bytes.Length; i++)
        {
            _upgradeEnd = bytes[i] == emptyLine[_upgradeEnd] ? _upgradeEnd + 1 : bytes[i] == emptyLine[0] ? 1 : 0;
            if (_upgradeEnd == emptyLine.Length)
            {
                _inUpgrade = false;
                _pass = fromEngine ? 0 : PrefaceSize;
                return i + 1;
            }
        }

        return bytes.Length;
    }
}
