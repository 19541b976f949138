using System.Net.Security;
using OpenCloud.Build.Client.Credentials;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>The HTTP connections to one endpoint, with its certificate authorities. It follows no redirect and keeps no cookie.</summary>
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
                // The registry's own settings do not apply to the target of a redirect.
                RemoteCertificateValidationCallback = (sender, certificate, chain, errors) => sender is SslStream { TargetHostName: var name } && endpoint.Addresses.Any(a => a.IdnHost == name || a.Host == name)
                    ? endpoint.IsInsecure || RegistryAuthorities.IsTrusted(sender, certificate, chain, errors, endpoint.Authorities)
                    : RegistryAuthorities.IsTrusted(sender, certificate, chain, errors),
            },
        };
        _requests = new HttpMessageInvoker(_handler, disposeHandler: false);
        Tokens = new HttpClient(_handler, disposeHandler: false) { Timeout = TimeSpan.FromSeconds(30), MaxResponseContentBufferSize = MaxTokenBytes };
    }

    public HttpClient Tokens { get; }

    /// <summary>Sends a request and returns when the response's headers arrive.</summary>
    /// <exception cref="TimeoutException">The headers did not arrive in time.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        time.CancelAfter(timeout);
        if (request.Content is UploadContent upload)
        {
            // A large body may take long; only a pause counts.
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
