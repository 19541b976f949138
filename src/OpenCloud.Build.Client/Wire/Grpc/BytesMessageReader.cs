using Grpc.Core;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// Finds the data in a sequence of framed <c>BytesMessage</c>s, given in pieces of any size: consumes the bytes between data, and
/// tells how many bytes of data come next. Without I/O.
/// </summary>
internal sealed class BytesMessageReader
{
    private enum Part
    {
        Prefix,
        Tag,
        Length,
        Skip,
        SkipVarint,
    }

    private readonly byte[] _prefix = new byte[GrpcPrefix.Length];
    private Part _part;
    private int _prefixFilled;
    private int _messageLeft;
    private Varint _varint;
    private uint _tag;
    private int _skipLeft;

    /// <summary>Bytes of data that come next; the caller lowers it when it takes some.</summary>
    public long DataLeft { get; set; }

    /// <summary>Whether the input may end here without truncation.</summary>
    public bool IsBetweenMessages => _part is Part.Prefix or Part.Tag && DataLeft == 0 && _messageLeft == 0 && _prefixFilled == 0 && !_varint.IsInside;

    /// <summary>Consumes bytes until data comes or there are no more.</summary>
    /// <returns>How many were consumed.</returns>
    /// <exception cref="RpcException">The bytes are not such messages.</exception>
    public int Parse(ReadOnlySpan<byte> bytes)
    {
        int position = 0;
        while (DataLeft == 0)
        {
            if (_messageLeft == 0 && _part != Part.Prefix)
            {
                if (_part != Part.Tag || _varint.IsInside)
                {
                    throw Malformed();
                }

                _part = Part.Prefix;
            }

            if (position == bytes.Length)
            {
                break;
            }

            switch (_part)
            {
                case Part.Prefix:
                    int taken = Math.Min(_prefix.Length - _prefixFilled, bytes.Length - position);
                    bytes.Slice(position, taken).CopyTo(_prefix.AsSpan(_prefixFilled));
                    position += taken;
                    _prefixFilled += taken;
                    if (_prefixFilled == _prefix.Length)
                    {
                        _prefixFilled = 0;
                        _messageLeft = GrpcPrefix.Read(_prefix, MessageLimits.Largest);
                        _part = Part.Tag;
                    }

                    break;
                case Part.Skip:
                    int skipped = Math.Min(_skipLeft, bytes.Length - position);
                    position += skipped;
                    _skipLeft -= skipped;
                    _messageLeft -= skipped;
                    if (_skipLeft == 0)
                    {
                        _part = Part.Tag;
                    }

                    break;
                default:
                    _messageLeft--;
                    if (_varint.Take(bytes[position++]))
                    {
                        OnVarint(_varint.IsTooLong ? throw Malformed() : _varint.Value);
                    }

                    break;
            }
        }

        return position;
    }

    private void OnVarint(ulong value)
    {
        switch (_part)
        {
            case Part.Tag:
                // Tags fit 32 bits; higher bits of a longer one belong to no field of this message.
                _tag = (uint)value;
                _part = (value & 7) switch
                {
                    0 => Part.SkipVarint,
                    1 => Skip(8),
                    2 => Part.Length,
                    5 => Skip(4),
                    _ => throw Malformed(),
                };
                break;
            case Part.Length:
                if (value > (ulong)_messageLeft)
                {
                    throw Malformed();
                }

                if (_tag >> 3 == 1)
                {
                    // The caller takes the data itself, so it counts as read from here on.
                    DataLeft = (int)value;
                    _messageLeft -= (int)value;
                    _part = Part.Tag;
                }
                else
                {
                    _part = value == 0 ? Part.Tag : Skip((int)value);
                }

                break;
            default:
                _part = Part.Tag;
                break;
        }
    }

    private Part Skip(int count)
    {
        if (count > _messageLeft)
        {
            throw Malformed();
        }

        _skipLeft = count;
        return Part.Skip;
    }

    private static RpcException Malformed() => CallErrors.Create(StatusCode.Internal, "The engine sent data that is not a BytesMessage.");
}
