using System.Net;
using Grpc.Core;
using Grpc.Net.Client;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// Calls through .NET's HTTP client and Grpc.Net.Client, on one shared connection: images, cache, history, queries. Their errors
/// are those of <see cref="CallErrors"/>.
/// </summary>
internal sealed class PooledCallInvoker : CallInvoker, IDisposable
{
    // Answers with status details carry a whole Dockerfile in base64, twice; grpc-go accepts headers of up to 16 MiB.
    private const int LargestHeadersKilobytes = 16 * 1024;

    // The bytes that an engine may send ahead of a slow reader. With the default of 64 KiB exports wait for window updates.
    private const int StreamWindow = 4 * 1024 * 1024;

    // grpc-go's servers treat pings more often than every 5 minutes as abuse and end the connection (keepalive.EnforcementPolicy).
    private static readonly TimeSpan PingDelay = TimeSpan.FromMinutes(6);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromMinutes(1);

    private readonly EngineChannel _engine;
    private readonly SocketsHttpHandler _handler;
    private readonly GrpcChannel _large;
    private readonly GrpcChannel _small;
    private volatile GreetingStream? _connection;

    internal PooledCallInvoker(EngineChannel engine, TimeSpan connectTimeout)
    {
        _engine = engine;
        _handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) => _connection = new GreetingStream(await engine.ConnectAsync(cancellationToken).ConfigureAwait(false)),
            ConnectTimeout = connectTimeout,
            // Browser features do not suit an engine: no proxy, no cookies, no redirects, no trace headers.
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
        };

        // A channel has one limit for all of its answers; two channels share the handler, and so the connection.
        _large = Create(MessageLimits.Largest);
        _small = Create(MessageLimits.Small);
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        AsyncUnaryCall(method, host, options, request).GetAwaiter().GetResult();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        options.CancellationToken.ThrowIfCancellationRequested();
        AsyncUnaryCall<TResponse> call = Of(method).AsyncUnaryCall(method, host, options, request);
        return new AsyncUnaryCall<TResponse>(
            Guard(call.ResponseAsync, method, options),
            static state => ((AsyncUnaryCall<TResponse>)state).ResponseHeadersAsync,
            static state => ((AsyncUnaryCall<TResponse>)state).GetStatus(),
            static state => ((AsyncUnaryCall<TResponse>)state).GetTrailers(),
            static state => ((AsyncUnaryCall<TResponse>)state).Dispose(),
            call);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        AsyncServerStreamingCall<TResponse> call = Of(method).AsyncServerStreamingCall(method, host, options, request);
        return new AsyncServerStreamingCall<TResponse>(
            new Reader<TResponse>(this, call.ResponseStream, method, options),
            static state => ((AsyncServerStreamingCall<TResponse>)state).ResponseHeadersAsync,
            static state => ((AsyncServerStreamingCall<TResponse>)state).GetStatus(),
            static state => ((AsyncServerStreamingCall<TResponse>)state).GetTrailers(),
            static state => ((AsyncServerStreamingCall<TResponse>)state).Dispose(),
            call);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        AsyncClientStreamingCall<TRequest, TResponse> call = Of(method).AsyncClientStreamingCall(method, host, options);
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            new Writer<TRequest>(this, call.RequestStream, method, options),
            Guard(call.ResponseAsync, method, options),
            static state => ((AsyncClientStreamingCall<TRequest, TResponse>)state).ResponseHeadersAsync,
            static state => ((AsyncClientStreamingCall<TRequest, TResponse>)state).GetStatus(),
            static state => ((AsyncClientStreamingCall<TRequest, TResponse>)state).GetTrailers(),
            static state => ((AsyncClientStreamingCall<TRequest, TResponse>)state).Dispose(),
            call);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        AsyncDuplexStreamingCall<TRequest, TResponse> call = Of(method).AsyncDuplexStreamingCall(method, host, options);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            new Writer<TRequest>(this, call.RequestStream, method, options),
            new Reader<TResponse>(this, call.ResponseStream, method, options),
            static state => ((AsyncDuplexStreamingCall<TRequest, TResponse>)state).ResponseHeadersAsync,
            static state => ((AsyncDuplexStreamingCall<TRequest, TResponse>)state).GetStatus(),
            static state => ((AsyncDuplexStreamingCall<TRequest, TResponse>)state).GetTrailers(),
            static state => ((AsyncDuplexStreamingCall<TRequest, TResponse>)state).Dispose(),
            call);
    }

    public void Dispose()
    {
        _large.Dispose();
        _small.Dispose();
        _handler.Dispose();

        // Disposing of the handler alone would keep the connection for as long as calls use it.
        _connection?.Dispose();
    }

    private GrpcChannel Create(int limit) => GrpcChannel.ForAddress($"http://{_engine.Authority}", new GrpcChannelOptions
    {
        HttpHandler = _handler,
        DisposeHttpClient = false,
        MaxReceiveMessageSize = limit,
        MaxSendMessageSize = MessageLimits.Largest,
        // Compression that is not offered need not be decoded.
        CompressionProviders = [],
    });

    private CallInvoker Of(IMethod method) => (MessageLimits.OfAnswer(method) == MessageLimits.Small ? _small : _large).CreateCallInvoker();

    private async Task<T> Guard<T>(Task<T> task, IMethod method, CallOptions options)
    {
        try
        {
            return await task.ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            throw CallErrors.Explain(e, method.FullName, options, _engine.Address, _connection);
        }
    }

    private sealed class Reader<T>(PooledCallInvoker invoker, IAsyncStreamReader<T> inner, IMethod method, CallOptions options) : IAsyncStreamReader<T>
    {
        public T Current => inner.Current;

        public Task<bool> MoveNext(CancellationToken cancellationToken) =>
            invoker.Guard(inner.MoveNext(cancellationToken), method, cancellationToken.CanBeCanceled ? options.WithCancellationToken(cancellationToken) : options);
    }

    private sealed class Writer<T>(PooledCallInvoker invoker, IClientStreamWriter<T> inner, IMethod method, CallOptions options) : IClientStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get => inner.WriteOptions; set => inner.WriteOptions = value; }

        public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(T message, CancellationToken cancellationToken) => invoker.Guard(WriteCoreAsync(message, cancellationToken), method, options);

        public Task CompleteAsync() => inner.CompleteAsync();

        private async Task<bool> WriteCoreAsync(T message, CancellationToken cancellationToken)
        {
            await inner.WriteAsync(message, cancellationToken).ConfigureAwait(false);
            return true;
        }
    }
}
