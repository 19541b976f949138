using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Releases;

/// <summary>Fetches files of a release: it resumes earlier downloads, limits sizes, and reports errors precisely.</summary>
internal sealed class ReleaseDownload(HttpClient client)
{
    /// <summary>The maximum size of an archive; those of v0.32.2 have 93 MB.</summary>
    public const long MaxArchiveBytes = 1L << 30;

    private const int MaxTextBytes = 8 << 20;

    /// <summary>How long a server may send nothing, or next to nothing, before the connection counts as broken.</summary>
    internal TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Creates a client for releases: it follows redirects, but never from https to http, and honors the system's proxy variables.</summary>
    public static HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = true,
        MaxAutomaticRedirections = 5,
        ConnectTimeout = TimeSpan.FromSeconds(20),
        ActivityHeadersPropagator = null,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders = { { "User-Agent", "OpenCloud.Build" } },
    };

    /// <summary>
    /// Fetches a file into a folder only root can write to, resumes an earlier download, and returns the file's path. Progress receives the
    /// bytes so far and the total (null when the server does not report it). A canceled download stays for the next run.
    /// </summary>
    public async Task<string> FetchAsync(Uri uri, string directory, Action<long, long?>? progress, CancellationToken cancellationToken)
    {
        string name = Path.GetFileName(uri.AbsolutePath);
        string path = Path.Combine(directory, name.Length > 0 ? name : "archive");
        string partial = path + ".part";
        string tagPath = path + ".etag";

        // A partial download is resumed only when the server can confirm that it belongs to the same file (RFC 9110, 13.1.5 If-Range).
        const int Attempts = 4;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await FetchOnceAsync(uri, partial, tagPath, progress, cancellationToken).ConfigureAwait(false);
                File.Move(partial, path, overwrite: true);
                File.Delete(tagPath);
                return path;
            }
            catch (Exception error) when (IsBroken(error) && attempt < Attempts && !cancellationToken.IsCancellationRequested)
            {
                // The connection broke: resume from there.
            }
            catch (Exception error) when (error is HttpRequestException or IOException && !FileHash.IsDiskFull(error))
            {
                throw Explain(uri, error);
            }
        }
    }

    /// <summary>Fetches a small text; null for 404.</summary>
    public async Task<byte[]?> FetchTextAsync(Uri uri, CancellationToken cancellationToken)
    {
        try
        {
            using StallWatch stall = new(StallTimeout, cancellationToken);
            using HttpResponseMessage answer = await stall.WatchAsync(token => client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, token)).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
            {
                return null;
            }

            Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            using MemoryStream text = new();
            byte[] buffer = new byte[32 << 10];
            int read;
            while ((read = await stall.ReadAsync(body, buffer).ConfigureAwait(false)) > 0)
            {
                if (text.Length + read > MaxTextBytes)
                {
                    throw new HostException(HostErrorKind.Download, $"{uri} is larger than {MaxTextBytes >> 20} MiB and therefore not a provenance file.");
                }

                text.Write(buffer, 0, read);
            }

            return text.ToArray();
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw Explain(uri, error);
        }
    }

    // The connection broke during the file, or before the answer came; a connection that was never made is not retried.
    private static bool IsBroken(Exception error)
        => error is IOException ? !FileHash.IsDiskFull(error)
            : error is HttpRequestException { StatusCode: null, HttpRequestError: HttpRequestError.Unknown or HttpRequestError.ResponseEnded, InnerException: IOException };

    private async Task FetchOnceAsync(Uri uri, string partial, string tagPath, Action<long, long?>? progress, CancellationToken cancellationToken)
    {
        long have = File.Exists(partial) && File.Exists(tagPath) ? new FileInfo(partial).Length : 0;
        using HttpRequestMessage request = new(HttpMethod.Get, uri);
        if (have > 0 && EntityTagHeaderValue.TryParse(await File.ReadAllTextAsync(tagPath, cancellationToken).ConfigureAwait(false), out EntityTagHeaderValue? tag))
        {
            request.Headers.Range = new RangeHeaderValue(have, null);
            request.Headers.IfRange = new RangeConditionHeaderValue(tag);
        }
        else
        {
            have = 0;
        }

        using StallWatch stall = new(StallTimeout, cancellationToken);
        using HttpResponseMessage answer = await stall.WatchAsync(token => client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token)).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            File.Delete(partial);
            throw new IOException("the partial download no longer matches");
        }

        if (!answer.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"the server answered {(int)answer.StatusCode} {answer.ReasonPhrase}", null, answer.StatusCode);
        }

        if (answer.StatusCode != HttpStatusCode.PartialContent)
        {
            have = 0;
        }

        long? total = answer.Content.Headers.ContentLength + have;
        if (total > MaxArchiveBytes)
        {
            throw new HostException(HostErrorKind.Download, $"{uri} is {total >> 20} MiB; the limit for a release is {MaxArchiveBytes >> 20} MiB.", target: uri.ToString());
        }

        // The tag is saved first: a partial download without a tag cannot be resumed. A weak tag does not promise the same bytes.
        if (answer.Headers.ETag is { IsWeak: false } strong)
        {
            WholeFile.Write(tagPath, strong.ToString(), FileModes.OwnerFile);
        }
        else
        {
            File.Delete(tagPath);
        }

        using FileStream file = OpenPartial(uri, partial);
        file.SetLength(have);
        file.Position = have;
        Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        byte[] buffer = new byte[128 << 10];
        int read;
        while ((read = await stall.ReadAsync(body, buffer).ConfigureAwait(false)) > 0)
        {
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            have += read;
            if (have > MaxArchiveBytes)
            {
                throw new HostException(HostErrorKind.Download, $"{uri} is larger than {MaxArchiveBytes >> 20} MiB, the limit for a release.", target: uri.ToString());
            }

            progress?.Invoke(have, total);
        }

        if (total is not null && have != total)
        {
            throw new IOException($"the connection ended after {have} of {total} bytes");
        }
    }

    private static FileStream OpenPartial(Uri uri, string partial)
    {
        try
        {
            return OwnFile.Open(partial, FileModes.OwnerFile);
        }
        catch (IOException error) when (!FileHash.IsDiskFull(error))
        {
            throw new HostException(HostErrorKind.Download, $"{uri} cannot be saved: {error.Message}", "Remove the file that is in the way and run the command again.", partial, error);
        }
    }

    private static HostException Explain(Uri uri, Exception error)
    {
        HttpRequestException? http = error as HttpRequestException;
        (string? why, string? remedy) = http switch
        {
            null when error is StalledException => ($"the server stalled repeatedly: {error.Message}", "Run the command again to resume the download, or use a mirror (-Uri) or a file (-ArchivePath)."),
            { StatusCode: HttpStatusCode.NotFound } => ("the file does not exist (404)", "Check -Version and -Uri: https://github.com/moby/buildkit/releases lists the releases."),
            { StatusCode: { } status } => ($"the server answered {(int)status}", "Try again later, use a mirror (-Uri) or a file (-ArchivePath)."),
            { HttpRequestError: HttpRequestError.NameResolutionError } => ("the host name cannot be resolved: this host may be offline", "Download the archive on another machine and use -ArchivePath, or use a mirror with -Uri."),
            { HttpRequestError: HttpRequestError.SecureConnectionError } => ($"no secure connection: {error.InnerException?.Message ?? error.Message}", "Check the clock and the CA certificates of this host (package ca-certificates)."),
            not null when error.InnerException is SocketException socket => ($"no connection: {socket.Message}", "Download the archive on another machine and use -ArchivePath, or use a mirror with -Uri."),
            _ => ($"the connection failed repeatedly; the last error is: {error.Message.TrimEnd('.')}", "Run the command again to resume the download."),
        };
        return new HostException(HostErrorKind.Download, $"{uri} cannot be downloaded: {why}.", remedy, uri.ToString(), error);
    }
}
