using System.Net;
using OpenCloud.Build.Client.Credentials;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>One endpoint. The first request finds its address; requests are authorized and retried, and follow redirects.</summary>
internal sealed class RegistryConnection : IDisposable
{
    private const int MaxRedirects = 5;

    private readonly RegistryOptions _options;
    private readonly RegistryTransport _transport;
    private readonly RegistryAuthorization _authorization;
    private readonly SemaphoreSlim _once = new(1);
    private Uri? _address;

    public RegistryConnection(RegistryEndpoint endpoint, RegistryOptions options)
    {
        Endpoint = endpoint;
        _options = options;
        _transport = new RegistryTransport(endpoint, options);
        _authorization = new RegistryAuthorization(endpoint, options);
    }

    public RegistryEndpoint Endpoint { get; }

    public string Host => Endpoint.Host;

    public TimeSpan StallTimeout => _options.StallTimeout;

    public int Attempts => _options.Attempts;

    /// <summary>Verifies that a registry answers, and that it accepts the credentials if it asks for some.</summary>
    /// <returns>Whether it asked for credentials and got those of the options.</returns>
    public async Task<bool> PingAsync(CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, string.Empty, [], null, "the API version check", cancellationToken).ConfigureAwait(false);
        await RequireAsync(answer, "the API version check", cancellationToken, HttpStatusCode.OK).ConfigureAwait(false);
        return _authorization.HasGiven;
    }

    public async Task<Uri> AddressOfAsync(string path, CancellationToken cancellationToken)
    {
        Uri address = new(await FindAddressAsync(cancellationToken).ConfigureAwait(false), path);
        return Endpoint.Namespace is { } name
            ? new UriBuilder(address) { Query = $"{(address.Query.Length > 1 ? address.Query[1..] + "&" : string.Empty)}ns={Uri.EscapeDataString(name)}" }.Uri
            : address;
    }

    /// <summary>Sends a request for a path; <c>fill</c> adds headers and content, and runs again for each attempt.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, IReadOnlyList<string> scopes, Action<HttpRequestMessage>? fill, string what, CancellationToken cancellationToken) =>
        await SendAsync(method, await AddressOfAsync(path, cancellationToken).ConfigureAwait(false), scopes, fill, what, _options.Attempts, cancellationToken).ConfigureAwait(false);

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri address, IReadOnlyList<string> scopes, Action<HttpRequestMessage>? fill, string what, int attempts, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            TimeSpan? asked = null;
            string failed;
            try
            {
                HttpResponseMessage answer = await SendAuthorizedAsync(method, address, scopes, fill, cancellationToken).ConfigureAwait(false);
                if (!RegistryRetry.IsPassing(answer.StatusCode) || attempt >= attempts)
                {
                    return answer;
                }

                asked = RegistryRetry.Asked(answer.Headers.RetryAfter, DateTimeOffset.UtcNow);
                if (asked > _options.LongestPause)
                {
                    return answer;
                }

                failed = $"HTTP {(int)answer.StatusCode}";
                answer.Dispose();
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
            {
                if (!RegistryRetry.IsPassing(e) || attempt >= attempts)
                {
                    throw Unreachable(e, what);
                }

                failed = e.Message;
            }

            await PauseAsync(attempt, asked, what, failed, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits before the next attempt, at most the longest pause: callers refuse an answer that asks for more.</summary>
    public Task PauseAsync(int attempt, TimeSpan? asked, string what, string failed, CancellationToken cancellationToken)
    {
        TimeSpan pause = RegistryRetry.Pause(attempt, _options);
        pause = asked > pause ? asked.Value : pause;
        pause = pause < _options.LongestPause ? pause : _options.LongestPause;
        _options.OnNotice?.Invoke($"The request to {Host} for {what} failed ({failed}). The next attempt starts in {pause.TotalSeconds:0.0} s.");
        return Task.Delay(pause, cancellationToken);
    }

    public async Task RequireAsync(HttpResponseMessage answer, string what, CancellationToken cancellationToken, params HttpStatusCode[] expected)
    {
        if (!expected.Contains(answer.StatusCode))
        {
            throw await RegistryAnswers.ErrorAsync(answer, Host, what, _options.StallTimeout, cancellationToken).ConfigureAwait(false);
        }
    }

    public RegistryException Unreachable(Exception error, string what) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } request => new RegistryException(RegistryFailure.Untrusted, Host, $"No secure connection to the registry {Host}: {RegistryAuthorities.Explain(request, Host)}.", error),
        _ => new RegistryException(RegistryFailure.Unreachable, Host, $"The registry {Host} did not answer the request for {what}: {error.Message.TrimEnd('.')}.", error),
    };

    public void Dispose()
    {
        _transport.Dispose();
        _once.Dispose();
    }

    private async Task<HttpResponseMessage> SendAuthorizedAsync(HttpMethod method, Uri address, IReadOnlyList<string> scopes, Action<HttpRequestMessage>? fill, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            HttpResponseMessage answer = await SendOnceAsync(method, address, scopes, fill, cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode != HttpStatusCode.Unauthorized || attempt > 1 || answer.Headers.WwwAuthenticate.Count == 0 || !IsOwn(answer.RequestMessage?.RequestUri ?? address))
            {
                return answer;
            }

            _authorization.Read(answer);
            _authorization.Forget(scopes);
            if (answer.RequestMessage?.Content is UploadContent)
            {
                // Part of its stream has been read. The caller restarts at the right position, with a new token.
                return answer;
            }

            answer.Dispose();
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri address, IReadOnlyList<string> scopes, Action<HttpRequestMessage>? fill, CancellationToken cancellationToken)
    {
        for (int redirects = 0; ; redirects++)
        {
            using HttpRequestMessage request = new(method, address);
            fill?.Invoke(request);
            if (IsOwn(address))
            {
                foreach ((string name, IReadOnlyList<string> values) in Endpoint.Headers)
                {
                    request.Headers.TryAddWithoutValidation(name, values);
                }

                request.Headers.Authorization = await _authorization.HeaderAsync(address, scopes, _transport.Tokens, cancellationToken).ConfigureAwait(false) ?? request.Headers.Authorization;
            }

            HttpResponseMessage answer;
            try
            {
                answer = await _transport.SendAsync(request, _options.AnswerTimeout, cancellationToken).ConfigureAwait(false);
            }
            catch (HttpRequestException) when (request.Content is UploadContent { ReadError: { } error })
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
                throw;
            }

            if ((int)answer.StatusCode is not (301 or 302 or 303 or 307 or 308) || (method != HttpMethod.Get && method != HttpMethod.Head))
            {
                return answer;
            }

            Uri? next = answer.Headers.Location is { } location && Uri.TryCreate(address, location, out Uri? read) ? read : null;
            answer.Dispose();
            if (redirects >= MaxRedirects || next is null || next.UserInfo.Length > 0 || !(next.Scheme == Uri.UriSchemeHttps || (next.Scheme == Uri.UriSchemeHttp && address.Scheme == Uri.UriSchemeHttp)))
            {
                throw new RegistryException(RegistryFailure.Invalid, Host, redirects >= MaxRedirects
                    ? $"The registry {Host} redirected more than {MaxRedirects} times."
                    : $"The registry {Host} redirected to an address that is not allowed: {(next is null ? "none" : $"{next.Scheme}://{next.Authority}")}.");
            }

            address = next;
        }
    }

    /// <summary>Whether an address belongs to the endpoint; others get no credentials.</summary>
    private bool IsOwn(Uri address) => _address is { } own && address.Scheme == own.Scheme && address.Authority.Equals(own.Authority, StringComparison.OrdinalIgnoreCase);

    /// <summary>The next location of an upload: a relative one is the registry's; HTTP on its host becomes HTTPS, as behind a proxy that ends TLS.</summary>
    public Uri Follow(Uri from, Uri? location)
    {
        // A relative location may be none in the place of another: a port that is no number, for example.
        Uri next = location is not null && Uri.TryCreate(from, location, out Uri? read)
            ? Upgrade(from, read)
            : throw new RegistryException(RegistryFailure.Invalid, Host, $"The registry {Host} did not return the location of an upload.");
        return next.UserInfo.Length == 0 && (next.Scheme == Uri.UriSchemeHttps || (next.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp))
            ? next
            : throw new RegistryException(RegistryFailure.Invalid, Host, $"The registry {Host} returned a location for an upload that is not allowed: {next.Scheme}://{next.Authority}.");
    }

    /// <summary>Changes HTTP to HTTPS for the same host when the request used HTTPS.</summary>
    public static Uri Upgrade(Uri from, Uri next) =>
        next.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttps && next.IdnHost.Equals(from.IdnHost, StringComparison.OrdinalIgnoreCase)
            ? new UriBuilder(next) { Scheme = from.Scheme, Port = from.Port }.Uri
            : next;

    private async Task<Uri> FindAddressAsync(CancellationToken cancellationToken)
    {
        if (_address is { } known)
        {
            return known;
        }

        await _once.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _address ??= await ProbeAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _once.Release();
        }
    }

    // The first response shows the endpoint's scheme and its challenge.
    private async Task<Uri> ProbeAsync(CancellationToken cancellationToken)
    {
        Exception? first = null;
        foreach (Uri address in Endpoint.Addresses)
        {
            try
            {
                using HttpRequestMessage request = new(HttpMethod.Get, address);
                using HttpResponseMessage answer = await _transport.SendAsync(request, _options.ConnectTimeout, cancellationToken).ConfigureAwait(false);
                if (answer.StatusCode == HttpStatusCode.Unauthorized)
                {
                    _authorization.Read(answer);
                }

                return address;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
            {
                first ??= e;
                if (Endpoint.Addresses.Count > 1 && e is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError })
                {
                    first = null;
                }
            }
        }

        throw Unreachable(first ?? new IOException("it answers neither HTTPS nor HTTP"), "the API version check");
    }
}
