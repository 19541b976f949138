using System.Security.Cryptography;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>
/// Passes a content on and verifies it against its descriptor: a wrong length or hash is an error at the read that shows it.
/// Only correct content reaches the end.
/// </summary>
internal sealed class VerifyingStream : ForwardReadStream
{
    private readonly Stream _inner;
    private readonly OciDescriptor _expected;
    private readonly string _what;
    private readonly IncrementalHash _hash;
    private long _read;
    private bool _verified;

    public VerifyingStream(Stream inner, OciDescriptor expected, string what)
    {
        _inner = inner;
        _expected = expected;
        _what = what;
        _hash = expected.Digest.CreateHash();
    }

    public override long Length => _expected.Size;

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public bool Verified => _verified;

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read = _inner.Read(buffer);
        Account(buffer[..read], buffer.IsEmpty);
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await _inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Account(buffer.Span[..read], buffer.IsEmpty);
        return read;
    }

    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Account(ReadOnlySpan<byte> data, bool emptyRequest)
    {
        _read += data.Length;
        if (_read > _expected.Size)
        {
            throw new OciFormatException($"{_what}: {_expected.Digest} is longer than the {_expected.Size} bytes its descriptor says.");
        }

        if (data.Length > 0)
        {
            _hash.AppendData(data);
        }
        else if (!emptyRequest && !_verified)
        {
            if (_read < _expected.Size)
            {
                throw new OciFormatException($"{_what}: {_expected.Digest} is {_read} bytes long; its descriptor says {_expected.Size}.");
            }

            if (!_expected.Digest.Matches(_hash.GetHashAndReset()))
            {
                throw new OciFormatException($"{_what}: the content of {_expected.Digest} does not match its digest; it is damaged or was tampered with.");
            }

            _verified = true;
        }
    }
}
