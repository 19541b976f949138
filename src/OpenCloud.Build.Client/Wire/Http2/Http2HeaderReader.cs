using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Joins a header block from HEADERS and CONTINUATION frames and decodes it (RFC 9113, 4.3, 6.2 and 6.10).</summary>
internal sealed class Http2HeaderReader(Http2Options options) : IDisposable
{
    private readonly HpackDecoder _decoder = new(HpackEncoder.DefaultTableSize);
    private readonly PooledBuffer _block = new(4096);

    /// <summary>The stream whose header block is not complete, or 0.</summary>
    internal int StreamId { get; private set; }

    internal bool EndStream { get; private set; }

    internal bool ListFits { get; private set; }

    internal static ReadOnlySpan<byte> StripPadding(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!header.Has(Http2FrameFlags.Padded))
        {
            return payload;
        }

        if (payload.IsEmpty || payload[0] >= payload.Length)
        {
            throw new Http2Exception(Http2ErrorCode.ProtocolError, $"A {header.Type} frame with more padding than payload.");
        }

        return payload[1..^payload[0]];
    }

    /// <summary>Processes HEADERS; returns the fields when the block is complete, otherwise null.</summary>
    internal HeaderList? Begin(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> fragment = StripPadding(header, payload);
        if (header.Has(Http2FrameFlags.Priority))
        {
            if (fragment.Length < 5)
            {
                throw new Http2Exception(Http2ErrorCode.FrameSizeError, "A HEADERS frame without room for its priority.");
            }

            fragment = fragment[5..];
        }

        EndStream = header.Has(Http2FrameFlags.EndStream);
        if (header.Has(Http2FrameFlags.EndHeaders))
        {
            return Decode(fragment);
        }

        StreamId = header.StreamId;
        Append(fragment);
        return null;
    }

    /// <summary>Processes CONTINUATION; returns the fields when the block is complete, otherwise null.</summary>
    internal HeaderList? Continue(Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Append(payload);
        if (!header.Has(Http2FrameFlags.EndHeaders))
        {
            return null;
        }

        StreamId = 0;
        HeaderList headers = Decode(_block.Span);
        _block.Clear();
        return headers;
    }

    public void Dispose() => _block.Dispose();

    private void Append(ReadOnlySpan<byte> fragment)
    {
        if (_block.Length + fragment.Length > options.MaxHeaderListSize)
        {
            throw new Http2Exception(Http2ErrorCode.EnhanceYourCalm, $"A header block of more than {options.MaxHeaderListSize} octets.");
        }

        _block.Append(fragment);
    }

    private HeaderList Decode(ReadOnlySpan<byte> block)
    {
        HeaderList headers = new();
        ListFits = _decoder.Decode(block, headers, options.MaxHeaderListSize);
        return headers;
    }
}
