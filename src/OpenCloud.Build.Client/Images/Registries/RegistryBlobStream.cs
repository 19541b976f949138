using System.Net;
using System.Net.Http.Headers;
using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>A blob's body. It resumes a cut or stalled download (Range); each received piece renews the attempts. The reader verifies it.</summary>
/// <remarks>distribution-spec, Pulling blobs; RFC 9110, 14 (ranges): a server without range support sends everything.</remarks>
internal sealed class RegistryBlobStream : ForwardReadStream
{
    private readonly RegistryConnection _connection;
    private readonly string _path;
    private readonly IReadOnlyList<string> _scopes;
    private readonly OciDescriptor _descriptor;
    private readonly RegistryOptions _options;
    private readonly string _what;
    private HttpResponseMessage? _answer;
    private Stream? _body;
    private long _position;
    private int _failures;
    private bool _isDisposed;

    private RegistryBlobStream(RegistryConnection connection, string repository, string path, IReadOnlyList<string> scopes, OciDescriptor descriptor, RegistryOptions options)
    {
        _connection = connection;
        _path = path;
        _scopes = scopes;
        _descriptor = descriptor;
        _options = options;
        _what = $"the blob {descriptor.Digest} of '{repository}'";
    }

    public override long Length => _descriptor.Size;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public static async Task<RegistryBlobStream?> OpenAsync(
        RegistryConnection connection, string repository, string path, IReadOnlyList<string> scopes, OciDescriptor descriptor, RegistryOptions options, CancellationToken cancellationToken)
    {
        RegistryBlobStream stream = new(connection, repository, path, scopes, descriptor, options);
        try
        {
            return await stream.RequestAsync(cancellationToken).ConfigureAwait(false) ? stream : null;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        while (true)
        {
            string failed;
            Exception? error = null;
            try
            {
                if (_body is null)
                {
                    await ResumeAsync(cancellationToken).ConfigureAwait(false);
                }

                int read = await RegistryAnswers.ReadAsync(_body!, buffer, _options.StallTimeout, cancellationToken).ConfigureAwait(false);
                if (read > 0 || buffer.IsEmpty || _position >= _descriptor.Size)
                {
                    _position += read;
                    _failures = read > 0 ? 0 : _failures;
                    return read;
                }

                failed = $"it ended after {_position} of {_descriptor.Size} bytes";
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                if (_position >= _descriptor.Size)
                {
                    // All bytes are here; only the end of the response was lost.
                    return 0;
                }

                (failed, error) = (e.Message, e);
            }

            Drop();
            if (++_failures >= _options.Attempts)
            {
                throw error is null or EndOfStreamException
                    ? new RegistryException(RegistryFailure.Invalid, _connection.Host, $"The registry {_connection.Host} sent an incomplete answer for {_what}: {failed}.", error)
                    : _connection.Unreachable(error, _what);
            }

            await _connection.PauseAsync(_failures, null, _what, failed, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _isDisposed = true;
            Drop();
        }

        base.Dispose(disposing);
    }

    private void Drop()
    {
        _body?.Dispose();
        _answer?.Dispose();
        (_body, _answer) = (null, null);
    }

    private async Task ResumeAsync(CancellationToken cancellationToken)
    {
        if (!await RequestAsync(cancellationToken).ConfigureAwait(false))
        {
            throw new RegistryException(RegistryFailure.NotFound, _connection.Host, $"The registry {_connection.Host} does not have {_what} any more.");
        }
    }

    private async Task<bool> RequestAsync(CancellationToken cancellationToken)
    {
        Drop();
        long from = _position;
        _answer = await _connection.SendAsync(
            HttpMethod.Get, _path, _scopes, message => message.Headers.Range = from > 0 ? new RangeHeaderValue(from, null) : null, _what, cancellationToken).ConfigureAwait(false);
        if (_answer.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        await _connection.RequireAsync(_answer, _what, cancellationToken, HttpStatusCode.OK, HttpStatusCode.PartialContent).ConfigureAwait(false);
        bool isRest = from > 0 && _answer.StatusCode == HttpStatusCode.PartialContent;
        if (isRest && _answer.Content.Headers.ContentRange?.From != from)
        {
            throw new RegistryException(RegistryFailure.Invalid, _connection.Host, $"The registry {_connection.Host} sent another range of {_what} than requested.");
        }

        Stream body = await _answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        if (from > 0 && !isRest)
        {
            // The server sends everything again: skip the bytes already returned.
            byte[] buffer = new byte[64 * 1024];
            for (long left = from; left > 0;)
            {
                int read = await RegistryAnswers.ReadAsync(body, buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), _options.StallTimeout, cancellationToken).ConfigureAwait(false);
                left -= read > 0 ? read : throw new EndOfStreamException($"it ended after {from - left} bytes, of which {from} came before");
            }
        }

        // Set only at the right position: a failed skip must not leave a body to read.
        _body = body;
        return true;
    }
}
