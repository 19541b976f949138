using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

internal enum UploadOutcome
{
    Present,

    Mounted,

    Sent,
}

/// <summary>
/// Uploads blobs to a repository: small ones in one request, larger ones in chunks. After a cut connection it asks the registry how much it has, and
/// resumes there.
/// </summary>
/// <remarks>distribution-spec, Pushing blobs: POST then PUT, chunked upload, GET of the upload's location, mounting, OCI-Chunk-Min-Length.</remarks>
internal sealed class BlobUpload(RegistryConnection connection, string path, RegistryOptions options)
{
    private readonly string[] _scopes = [$"repository:{path}:pull,push"];

    /// <summary>Uploads and verifies a blob. Cancellation also cancels the upload at the registry.</summary>
    /// <remarks><c>from</c> may have the blob; <c>open</c> opens it from its beginning; <c>progress</c> gets the bytes that the registry took.</remarks>
    public async Task<UploadOutcome> SendAsync(OciDescriptor descriptor, string? from, Func<CancellationToken, ValueTask<Stream>> open, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        string what = $"the blob {descriptor.Digest} of '{path}'";
        Uri? location = await BeginAsync(descriptor, from, what, cancellationToken).ConfigureAwait(false);
        if (location is null)
        {
            progress?.Report(descriptor.Size);
            return UploadOutcome.Mounted;
        }

        bool isDone = false;
        try
        {
            if (descriptor.Size <= options.SmallContent)
            {
                await SendWholeAsync(location, descriptor, open, what, cancellationToken).ConfigureAwait(false);
                progress?.Report(descriptor.Size);
            }
            else
            {
                location = await SendChunksAsync(location, descriptor, open, progress, what, cancellationToken).ConfigureAwait(false);
                await FinishAsync(location, descriptor, what, cancellationToken).ConfigureAwait(false);
            }

            isDone = true;
            return UploadOutcome.Sent;
        }
        finally
        {
            if (!isDone)
            {
                await CancelAsync(location).ConfigureAwait(false);
            }
        }
    }

    private static Uri WithDigest(Uri location, ContentDigest digest) =>
        new UriBuilder(location) { Query = $"{(location.Query.Length > 1 ? location.Query[1..] + "&" : string.Empty)}digest={Uri.EscapeDataString(digest.ToString())}" }.Uri;

    private async Task<Uri?> BeginAsync(OciDescriptor descriptor, string? from, string what, CancellationToken cancellationToken)
    {
        string mount = from is null ? string.Empty : $"?mount={Uri.EscapeDataString(descriptor.Digest.ToString())}&from={Uri.EscapeDataString(from)}";
        string[] scopes = from is null ? _scopes : [.. _scopes, $"repository:{from}:pull"];
        Uri address = await connection.AddressOfAsync($"{path}/blobs/uploads/{mount}", cancellationToken).ConfigureAwait(false);
        using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Post, address, scopes, Empty, what, options.Attempts, cancellationToken).ConfigureAwait(false);
        if (from is not null && answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.BadRequest)
        {
            // The user may have no access to the other repository.
            return await BeginAsync(descriptor, null, what, cancellationToken).ConfigureAwait(false);
        }

        if (from is not null && answer.StatusCode == HttpStatusCode.Created)
        {
            return null;
        }

        await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.Accepted).ConfigureAwait(false);
        _shortest = answer.Headers.TryGetValues("OCI-Chunk-Min-Length", out IEnumerable<string>? values) && long.TryParse(values.First(), out long shortest) ? shortest : 0;
        return connection.Follow(address, answer.Headers.Location);
    }

    private long _shortest;

    private async Task SendWholeAsync(Uri location, OciDescriptor descriptor, Func<CancellationToken, ValueTask<Stream>> open, string what, CancellationToken cancellationToken)
    {
        byte[] bytes = await BlobReading.ReadAllAsync(await open(cancellationToken).ConfigureAwait(false), descriptor, options.SmallContent, what, cancellationToken).ConfigureAwait(false);
        for (int attempt = 1; ; attempt++)
        {
            string failed;
            try
            {
                using HttpResponseMessage answer = await connection.SendAsync(
                    HttpMethod.Put,
                    WithDigest(location, descriptor.Digest),
                    _scopes,
                    message =>
                    {
                        message.Content = new ByteArrayContent(bytes);
                        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
                    },
                    what,
                    1,
                    cancellationToken).ConfigureAwait(false);
                TimeSpan? asked = RegistryRetry.Asked(answer.Headers.RetryAfter, DateTimeOffset.UtcNow);
                if (!RegistryRetry.IsPassing(answer.StatusCode) || attempt >= options.Attempts || asked > options.LongestPause)
                {
                    await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.Created, HttpStatusCode.NoContent).ConfigureAwait(false);
                    return;
                }

                await connection.PauseAsync(attempt, asked, what, $"HTTP {(int)answer.StatusCode}", cancellationToken).ConfigureAwait(false);
                continue;
            }
            catch (RegistryException e) when (e.Failure == RegistryFailure.Unreachable && attempt < options.Attempts)
            {
                failed = e.Message;
            }

            // Perhaps only the answer was lost: then the blob is there. An upload that has a part of it cannot take it again.
            await connection.PauseAsync(attempt, null, what, failed, cancellationToken).ConfigureAwait(false);
            if (await HasAsync(descriptor, what, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            await CancelAsync(location).ConfigureAwait(false);
            location = (await BeginAsync(descriptor, null, what, cancellationToken).ConfigureAwait(false))!;
        }
    }

    private async Task<Uri> SendChunksAsync(Uri location, OciDescriptor descriptor, Func<CancellationToken, ValueTask<Stream>> open, IProgress<long>? progress, string what, CancellationToken cancellationToken)
    {
        long sent = 0;
        long reported = 0;
        int failures = 0;
        bool isRenewed = false;
        VerifyingStream? content = null;
        try
        {
            while (sent < descriptor.Size)
            {
                content ??= await OpenAtAsync(descriptor, open, sent, what, cancellationToken).ConfigureAwait(false);
                long length = Math.Min(Math.Max(options.ChunkSize, _shortest), descriptor.Size - sent);
                string failed;
                TimeSpan? asked = null;
                try
                {
                    using HttpResponseMessage answer = await SendChunkAsync(location, content, sent, length, what, cancellationToken).ConfigureAwait(false);
                    if (answer.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.NoContent or HttpStatusCode.Created)
                    {
                        sent += length;
                        Advance();
                        location = connection.Follow(location, answer.Headers.Location ?? location);
                        continue;
                    }

                    asked = RegistryRetry.Asked(answer.Headers.RetryAfter, DateTimeOffset.UtcNow);
                    bool isExpired = answer.StatusCode == HttpStatusCode.Unauthorized && !isRenewed;
                    if (asked > options.LongestPause || (!isExpired && !RegistryRetry.IsPassing(answer.StatusCode) && answer.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable))
                    {
                        await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.Accepted).ConfigureAwait(false);
                    }

                    isRenewed |= isExpired;
                    failed = $"HTTP {(int)answer.StatusCode}";
                }
                catch (RegistryException e) when (e.Failure == RegistryFailure.Unreachable && failures + 1 < options.Attempts)
                {
                    failed = e.Message;
                }

                if (++failures >= options.Attempts)
                {
                    throw new RegistryException(RegistryFailure.Unreachable, connection.Host, $"The registry {connection.Host} did not accept {what}: {failed}.");
                }

                await content.DisposeAsync().ConfigureAwait(false);
                content = null;
                await connection.PauseAsync(failures, asked, what, failed, cancellationToken).ConfigureAwait(false);
                (location, sent) = await AskAsync(location, descriptor, what, cancellationToken).ConfigureAwait(false);
                Advance();
            }

            if (content is not null && await content.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) > 0)
            {
                throw new OciFormatException($"{what} is longer than its descriptor says.");
            }

            return location;
        }
        finally
        {
            if (content is not null)
            {
                await content.DisposeAsync().ConfigureAwait(false);
            }
        }

        // No new attempts for the same bytes: a registry may drop what it took again and again.
        void Advance()
        {
            if (sent > reported)
            {
                progress?.Report(sent - reported);
                (reported, failures, isRenewed) = (sent, 0, false);
            }
        }
    }

    private async Task<HttpResponseMessage> SendChunkAsync(Uri location, Stream content, long sent, long length, string what, CancellationToken cancellationToken) =>
        await connection.SendAsync(
            HttpMethod.Patch,
            location,
            _scopes,
            message =>
            {
                message.Content = new UploadContent(content, length);
                message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
                message.Content.Headers.TryAddWithoutValidation("Content-Range", $"{sent}-{sent + length - 1}");
            },
            what,
            1,
            cancellationToken).ConfigureAwait(false);

    // Reads the bytes before the position again: the digest covers the whole content.
    private static async Task<VerifyingStream> OpenAtAsync(OciDescriptor descriptor, Func<CancellationToken, ValueTask<Stream>> open, long position, string what, CancellationToken cancellationToken)
    {
        VerifyingStream content = new(await open(cancellationToken).ConfigureAwait(false), descriptor, what);
        try
        {
            byte[] buffer = new byte[128 * 1024];
            for (long left = position; left > 0;)
            {
                int read = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken).ConfigureAwait(false);
                left -= read > 0 ? read : throw new OciFormatException($"{what} is shorter than its descriptor says.");
            }

            return content;
        }
        catch
        {
            await content.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The number of bytes that the registry has: <c>Range: 0-N</c>. A registry without any says 0-0 or nothing (distribution says 0-0).</summary>
    internal static long ReceivedOf(HttpResponseMessage answer) =>
        (answer.Headers.TryGetValues("Range", out IEnumerable<string>? values) || answer.Content.Headers.TryGetValues("Range", out values))
        && values.First().Split('-') is [_, var text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long last) && last is > 0 and < long.MaxValue
            ? last + 1
            : 0;

    private async Task<(Uri Location, long Sent)> AskAsync(Uri location, OciDescriptor descriptor, string what, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Get, location, _scopes, null, what, options.Attempts, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            // The registry has dropped the upload.
            return ((await BeginAsync(descriptor, null, what, cancellationToken).ConfigureAwait(false))!, 0);
        }

        await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.NoContent, HttpStatusCode.OK, HttpStatusCode.Accepted).ConfigureAwait(false);
        long sent = ReceivedOf(answer);
        if (sent > descriptor.Size)
        {
            throw new RegistryException(RegistryFailure.Invalid, connection.Host, $"The registry {connection.Host} claims to have {sent} bytes of {what}, which has {descriptor.Size}.");
        }

        return (connection.Follow(location, answer.Headers.Location ?? location), sent);
    }

    private async Task FinishAsync(Uri location, OciDescriptor descriptor, string what, CancellationToken cancellationToken)
    {
        TimeSpan? asked = null;
        try
        {
            using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Put, WithDigest(location, descriptor.Digest), _scopes, Empty, what, 1, cancellationToken).ConfigureAwait(false);
            asked = RegistryRetry.Asked(answer.Headers.RetryAfter, DateTimeOffset.UtcNow);
            if (!RegistryRetry.IsPassing(answer.StatusCode) || asked > options.LongestPause)
            {
                await connection.RequireAsync(answer, what, cancellationToken, HttpStatusCode.Created, HttpStatusCode.NoContent).ConfigureAwait(false);
                return;
            }
        }
        catch (RegistryException e) when (e.Failure == RegistryFailure.Unreachable)
        {
        }

        await connection.PauseAsync(1, asked, what, "the end of the upload was not confirmed", cancellationToken).ConfigureAwait(false);
        if (await HasAsync(descriptor, what, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        using HttpResponseMessage again = await connection.SendAsync(HttpMethod.Put, WithDigest(location, descriptor.Digest), _scopes, Empty, what, options.Attempts, cancellationToken).ConfigureAwait(false);
        await connection.RequireAsync(again, what, cancellationToken, HttpStatusCode.Created, HttpStatusCode.NoContent).ConfigureAwait(false);
    }

    private async Task<bool> HasAsync(OciDescriptor descriptor, string what, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Head, $"{path}/blobs/{descriptor.Digest}", _scopes, null, what, cancellationToken).ConfigureAwait(false);
        return answer.StatusCode == HttpStatusCode.OK;
    }

    // Otherwise the upload stays at the registry until it cleans up.
    private async Task CancelAsync(Uri location)
    {
        try
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(5));
            using HttpResponseMessage answer = await connection.SendAsync(HttpMethod.Delete, location, _scopes, null, "the end of an upload", 1, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RegistryException or OperationCanceledException)
        {
            // The registry cleans up later.
        }
    }

    private static void Empty(HttpRequestMessage message) => message.Content = new ByteArrayContent([]);
}
