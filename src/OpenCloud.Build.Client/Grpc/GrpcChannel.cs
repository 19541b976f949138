using System.Net;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using OpenCloud.Build.Client.Transport;

namespace OpenCloud.Build.Client.Grpc;

/// <summary>
/// gRPC calls to one engine over one HTTP/2 connection, which is made with the first call and anew when it has ended; and calls that have
/// a connection of their own.
/// </summary>
internal sealed partial class GrpcChannel : IAsyncDisposable
{
    // Answers with status details carry a whole Dockerfile in base64, twice; grpc-go accepts headers of up to 16 MiB.
    private const int LargestHeadersKilobytes = 16 * 1024;

    // What an engine may send ahead of a slow reader. With the default of 64 KiB exports wait for window updates.
    private const int StreamWindow = 4 * 1024 * 1024;

    // grpc-go's servers take pings more often than every 5 minutes for abuse and end the connection (keepalive.EnforcementPolicy).
    private static readonly TimeSpan PingDelay = TimeSpan.FromMinutes(6);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromMinutes(1);

    private static readonly string UserAgent = "opencloud-build/" + typeof(GrpcChannel).Assembly.GetName().Version?.ToString(3);

    private readonly IEngineConnector _connector;
    private readonly Lazy<HttpMessageInvoker> _http;
    private readonly string _authority;
    private readonly TimeSpan _connectTimeout;
    private Stream? _firstConnection;
    private volatile GreetingStream? _connection;

    /// <summary>Creates a channel that connects with its first call.</summary>
    public GrpcChannel(IEngineConnector connector, EngineConnectOptions? options = null)
        : this(connector, null, options ?? new EngineConnectOptions())
    {
    }

    /// <summary>Creates a channel on an engine that is connected already.</summary>
    public GrpcChannel(EngineConnection connection, EngineConnectOptions options)
        : this(connection.Connector, connection.Stream, options)
    {
    }

    private GrpcChannel(IEngineConnector connector, Stream? firstConnection, EngineConnectOptions options)
    {
        _connector = connector;
        _connectTimeout = options.ConnectTimeout;
        _firstConnection = firstConnection;
        EngineAddress address = connector.Address;
        _authority = address.Host is { } host ? $"{(host.Contains(':') ? $"[{host}]" : host)}:{address.Port}" : "localhost";
        _http = new Lazy<HttpMessageInvoker>(() => new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = options.ConnectTimeout,
            // None of what a browser does suits an engine: no proxy, no cookies, no redirects, no trace headers.
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = false,
            InitialHttp2StreamWindowSize = StreamWindow,
            MaxResponseHeadersLength = LargestHeadersKilobytes,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = PingDelay,
            KeepAlivePingTimeout = PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        }));
    }

    /// <summary>The engine's address, for errors.</summary>
    public string Name => _connector.Address.ToString();

    /// <summary>The engine's address.</summary>
    public EngineAddress Address => _connector.Address;

    /// <summary>A call with one message each way.</summary>
    /// <exception cref="GrpcException">The call ended with another status than Ok, or the connection was lost (Unavailable).</exception>
    /// <exception cref="EngineConnectException">The engine cannot be connected to, or is no engine.</exception>
    public async Task<TResponse> UnaryAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions? options = null, CancellationToken cancellationToken = default)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        await using GrpcCall call = new(this, method.Path, new GrpcMessageContent(request), options ?? GrpcCallOptions.Default, cancellationToken);
        TResponse answer = await call.ReadMessageAsync(method.Parser, cancellationToken).ConfigureAwait(false)
            ?? throw call.Error(GrpcStatusCode.Internal, $"{Name} answered {method.Path} without a message.");
        return await call.ReadMessageAsync(method.Parser, cancellationToken).ConfigureAwait(false) is null
            ? answer
            : throw call.Error(GrpcStatusCode.Internal, $"{Name} answered {method.Path} with more than one message.");
    }

    /// <summary>A call with one message there and any number back; it begins when it is enumerated and ends with the enumeration.</summary>
    public async IAsyncEnumerable<TResponse> ServerStreamAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        await using GrpcCall call = new(this, method.Path, new GrpcMessageContent(request), options ?? GrpcCallOptions.Default, cancellationToken);
        while (await call.ReadMessageAsync(method.Parser, cancellationToken).ConfigureAwait(false) is { } message)
        {
            yield return message;
        }
    }

    /// <summary>A call with messages both ways, as bytes. Its headers are on their way when this returns; nothing is awaited of the engine.</summary>
    /// <param name="path">The method's path.</param>
    /// <param name="options">Deadline and headers.</param>
    /// <param name="cancellationToken">Ends the call, now and later.</param>
    public async Task<GrpcDuplexCall> DuplexAsync(string path, GrpcCallOptions? options = null, CancellationToken cancellationToken = default)
    {
        GrpcDuplexContent content = new();
        GrpcCall call = new(this, path, content, options ?? GrpcCallOptions.Default, cancellationToken);
        try
        {
            await Task.WhenAny(content.Started, call.HeadersReceived).ConfigureAwait(false);
            await call.ThrowIfNotSentAsync().ConfigureAwait(false);
            return new GrpcDuplexCall(call, content);
        }
        catch
        {
            content.Complete();
            await call.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A call with typed messages both ways.</summary>
    public async Task<GrpcDuplexCall<TRequest, TResponse>> DuplexAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, GrpcCallOptions? options = null, CancellationToken cancellationToken = default)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(await DuplexAsync(method.Path, options, cancellationToken).ConfigureAwait(false), method.Parser);

    /// <summary>Ends the connections and with them every call.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndExclusiveAsync().ConfigureAwait(false);
        if (_http.IsValueCreated)
        {
            _http.Value.Dispose();
        }
        if (Interlocked.Exchange(ref _firstConnection, null) is { } unused)
        {
            await unused.DisposeAsync().ConfigureAwait(false);
        }
        // The handler alone would keep the connection for as long as calls use it.
        if (_connection is { } connection)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    internal Task<HttpResponseMessage> SendAsync(string path, HttpContent content, GrpcCallOptions options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        HttpRequestMessage request = new(HttpMethod.Post, $"http://{_authority}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TE.Add(new("trailers"));
        request.Headers.TryAddWithoutValidation("user-agent", UserAgent);
        request.Headers.TryAddWithoutValidation("grpc-accept-encoding", "identity");
        if (options.Timeout is { } timeout)
        {
            request.Headers.TryAddWithoutValidation("grpc-timeout", GrpcCallOptions.FormatTimeout(timeout));
        }
        foreach (KeyValuePair<string, string> field in options.Metadata ?? [])
        {
            request.Headers.TryAddWithoutValidation(field.Key, field.Value);
        }
        return _http.Value.SendAsync(request, cancellationToken);
    }

    /// <summary>What an error of the HTTP layer means to a caller.</summary>
    internal Exception Explain(Exception error, string path)
    {
        if (ExplainGreeting(_connection, error) is { } foreign)
        {
            return foreign;
        }
        for (Exception? e = error; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case EngineConnectException connect:
                    return connect;
                case HttpProtocolException { ErrorCode: var code }:
                    return new GrpcException(
                        new GrpcStatus(GrpcTrailers.FromHttp2(code), $"{Name} broke off {path} (HTTP/2 error code {code})."), [], error);
                case TimeoutException when error is HttpRequestException or OperationCanceledException:
                    return new EngineConnectException(EngineConnectReason.Timeout, Address, $"{Name} did not accept the connection in time.", error);
            }
        }
        return error is HttpRequestException or IOException or OperationCanceledException
            ? new GrpcException(new GrpcStatus(GrpcStatusCode.Unavailable, $"The connection to {Name} was lost during {path}: {error.Message}"), [], error)
            : error;
    }

    private EngineConnectException? ExplainGreeting(GreetingStream? connection, Exception error)
    {
        if (connection?.ForeignGreeting is not { } greeting)
        {
            return null;
        }
        bool isHttp1 = greeting.StartsWith("HTTP/1", StringComparison.Ordinal);
        string hint = isHttp1 && Address is { Scheme: "unix", Path: { } socket } ? $" If the socket is a Docker Engine's, use docker://{socket}." : "";
        return new EngineConnectException(
            EngineConnectReason.NotAnEngine,
            Address,
            $"{Name} is no BuildKit: {(isHttp1 ? "it speaks HTTP/1" : $"it begins with '{greeting}'")}.{hint}",
            error);
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        Stream stream = Interlocked.Exchange(ref _firstConnection, null) ?? await _connector.ConnectAsync(cancellationToken).ConfigureAwait(false);
        return _connection = new GreetingStream(stream);
    }
}
