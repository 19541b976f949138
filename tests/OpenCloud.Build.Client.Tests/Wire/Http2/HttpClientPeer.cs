using System.Net;
using OpenCloud.Build.Client.Wire.Http2;

namespace OpenCloud.Build.Client.Tests.Wire.Http2;

/// <summary>Our server on one end of a unix socket and .NET's HTTP/2 client, an implementation that is not ours, on the other.</summary>
internal sealed class HttpClientPeer : IAsyncDisposable
{
    private readonly StreamPair _streams;

    private HttpClientPeer(StreamPair streams, HttpMessageInvoker client, Task serving)
    {
        _streams = streams;
        Client = client;
        Serving = serving;
    }

    public HttpMessageInvoker Client { get; }

    public Task Serving { get; }

    public static Task<HttpClientPeer> StartAsync(Func<Http2ServerStream, CancellationToken, Task> handler, Http2Options? options = null, Action<SocketsHttpHandler>? configure = null) =>
        ServeAsync((transport, cancellationToken) => new Http2Server(transport, handler, options).RunAsync(cancellationToken), configure);

    public static async Task<HttpClientPeer> ServeAsync(Func<Stream, CancellationToken, Task> serve, Action<SocketsHttpHandler>? configure = null)
    {
        StreamPair streams = await StreamPair.CreateAsync();
        bool connected = false;
        SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            ActivityHeadersPropagator = null,
            ConnectCallback = (_, _) =>
            {
                if (Interlocked.Exchange(ref connected, true))
                {
                    throw new IOException("One connection is all that there is.");
                }

                return ValueTask.FromResult<Stream>(streams.Client);
            },
        };
        configure?.Invoke(handler);
        CancellationTokenSource cancel = new();
        Task serving = ServeAndCloseAsync();
        return new HttpClientPeer(streams, new HttpMessageInvoker(handler), serving) { Cancel = cancel.Cancel };

        async Task ServeAndCloseAsync()
        {
            try
            {
                await serve(streams.Server, cancel.Token);
            }
            finally
            {
                // Or the client would wait for ever for a server that is gone.
                await streams.Server.DisposeAsync();
            }
        }
    }

    public Action Cancel { get; private init; } = () => { };

    public Task<HttpResponseMessage> SendAsync(string path, HttpContent? content = null, CancellationToken cancellationToken = default) =>
        Client.SendAsync(NewRequest(path, content), cancellationToken);

    public static HttpRequestMessage NewRequest(string path, HttpContent? content = null) => new(HttpMethod.Post, "http://localhost" + path)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = content,
    };

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _streams.Client.Dispose();
        Cancel();
        await Task.WhenAny(Serving);
        _streams.Dispose();
    }
}
