using OpenCloud.Build.Client.Context;

namespace OpenCloud.Build.Client.Wire;

/// <summary>The fields of a protobuf message, one after the other.</summary>
internal ref struct ProtoFields(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    public int Number { get; private set; }

    public ulong Value { get; private set; }

    public ReadOnlySpan<byte> Bytes { get; private set; }

    public static ContextException Malformed() =>
        new(ContextErrorKind.Protocol, "The engine sent data that is not a packet of a file transfer.");

    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        ulong tag = ReadVarint();
        Number = tag >> 3 is > 0 and <= 0x1FFFFFFF ? (int)(tag >> 3) : throw Malformed();
        Value = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Value = ReadVarint();
                return true;
            case 1:
                Take(8);
                return true;
            case 2:
                ulong length = ReadVarint();
                Bytes = Take(length <= int.MaxValue ? (int)length : throw Malformed());
                return true;
            case 5:
                Take(4);
                return true;
            default:
                throw Malformed();
        }
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        ReadOnlySpan<byte> taken = _rest.Length >= length ? _rest[..length] : throw Malformed();
        _rest = _rest[length..];
        return taken;
    }

    private ulong ReadVarint() => Varint.TryRead(ref _rest, out ulong value) ? value : throw Malformed();
}
