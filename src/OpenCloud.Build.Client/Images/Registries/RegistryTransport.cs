using System.Net.Security;
using OpenCloud.Build.Client.Credentials;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>The HTTP connections to one endpoint, with what it takes to trust it. It follows no redirect and keeps no cookie.</summary>
internal sealed class RegistryTransport : IDisposable
{
    private const int MaxTokenBytes = 1024 * 1024;

    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _requests;

    public RegistryTransport(RegistryEndpoint endpoint, RegistryOptions options)
    {
        _handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxConnectionsPerServer = 16,
            SslOptions = new SslClientAuthenticationOptions
            {
                // Where a redirect leads, nothing of the registry's own holds.
                RemoteCertificateValidationCallback = (sender, certificate, chain, errors) => sender is SslStream { TargetHostName: var name } && endpoint.Addresses.Any(a => a.IdnHost == name || a.Host == name)
                    ? endpoint.IsInsecure || RegistryAuthorities.IsTrusted(sender, certificate, chain, errors, endpoint.Authorities)
                    : RegistryAuthorities.IsTrusted(sender, certificate, chain, errors),
            },
        };
        _requests = new HttpMessageInvoker(_handler, disposeHandler: false);
        Tokens = new HttpClient(_handler, disposeHandler: false) { Timeout = TimeSpan.FromSeconds(30), MaxResponseContentBufferSize = MaxTokenBytes };
    }

    /// <summary>The client for token services.</summary>
    public HttpClient Tokens { get; }

    /// <summary>Sends a request and gives the answer as soon as its head is here.</summary>
    /// <exception cref="TimeoutException">The head did not come in time.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        time.CancelAfter(timeout);
        if (request.Content is UploadContent upload)
        {
            // A large body takes its time; only a pause counts.
            upload.OnProgress = () => time.CancelAfter(timeout);
        }

        try
        {
            return await _requests.SendAsync(request, time.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{request.RequestUri?.Authority} did not answer within {timeout.TotalSeconds:0} s.", e);
        }
    }

    public void Dispose()
    {
        Tokens.Dispose();
        _requests.Dispose();
        _handler.Dispose();
    }
}
