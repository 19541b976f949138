using System.Net.Sockets;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// The calls of a build, each on its own connection, on dedicated threads. <see cref="SocketsHttpHandler"/> works on pool threads,
/// which spin for more work before they sleep, so that each of its steps costs a mostly idle build some 0.3 ms of CPU, and it sends every
/// 16 KiB through two of them. Here the reader of a call waits in the kernel. No pings are sent: grpc-go's server ends a connection with
/// more than one in five minutes. A build's session, in which the engine is the client, notices an engine that has stopped
/// (<see cref="Http2Options.PingInterval"/>). Only the pooled calls support deadlines.
/// </summary>
internal sealed class DedicatedCallInvoker : CallInvoker, IDisposable
{
    // The bytes that a peer accepts on a stream before it enlarges the window, less room for the prefix (RFC 9113, 6.9.2).
    private const int LargestUnasked = 60 * 1024;

    private static readonly string UserAgent = "opencloud-build/" + typeof(DedicatedCallInvoker).Assembly.GetName().Version?.ToString(3);

    internal DedicatedCallInvoker(EngineChannel engine)
        : this(engine, new SessionThreads())
    {
    }

    internal DedicatedCallInvoker(EngineChannel engine, WorkQueue work)
    {
        Engine = engine;
        Work = work;
    }

    public EngineChannel Engine { get; }

    /// <summary>The queue for the calls' continuations and for further work of their user.</summary>
    public WorkQueue Work { get; }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        AsyncUnaryCall(method, host, options, request).GetAwaiter().GetResult();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        return new AsyncUnaryCall<TResponse>(
            Work.Run(() => exchange.AskAsync(request)), DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        exchange.Begin(request);
        return new AsyncServerStreamingCall<TResponse>(
            exchange, DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        exchange.Begin();
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            exchange, Work.Run(exchange.ReadAnswerAsync), DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        exchange.Begin();
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            exchange, exchange, DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    /// <summary>Ends the threads once no operation waits. Open calls end with the channel.</summary>
    public void Dispose() => (Work as IDisposable)?.Dispose();

    /// <summary>
    /// Opens a call; its headers are on their way on return, and the engine's answer is not awaited. The token only stops connecting. A null
    /// request is written later.
    /// </summary>
    /// <exception cref="EngineConnectException">The engine cannot be reached.</exception>
    internal async Task<DedicatedCall> OpenAsync(string path, CallOptions options, ReadOnlyMemory<byte>? request)
    {
        if (options.Deadline is not null)
        {
            throw new NotSupportedException("A call on a dedicated connection does not support a deadline; cancel it.");
        }

        Stream transport = await Engine.ConnectDedicatedAsync(options.CancellationToken).ConfigureAwait(false);
        await ComeBackAsync().ConfigureAwait(false);
        bool isWhole = request?.Length <= LargestUnasked;
        DedicatedCall call = Open(transport, path, options, isWhole ? request : null);
        try
        {
            ObjectDisposedException.ThrowIf(!Engine.Keep(call), Engine);
            if (request is { } content && !isWhole)
            {
                await call.WriteAsync(content, default, options.CancellationToken).ConfigureAwait(false);
                call.CompleteWriting();
            }

            return call;
        }
        catch
        {
            await call.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Moves to a thread that may block: after waiting for a connection (for an answer to an upgrade, say) the caller resumes on a pool thread,
    /// of which there are few.
    /// </summary>
    internal async ValueTask ComeBackAsync()
    {
        if (Work is SessionThreads && !SessionThread.IsCurrent)
        {
            await Work.Yield();
        }
    }

    /// <summary>The connection as one whose reads and writes block the calling thread, where it has a socket.</summary>
    private Stream Block(Stream transport)
    {
        switch (transport)
        {
            case NetworkStream socket:
                return new BlockingSocketStream(socket, Work);
            case TlsStream tls:
                tls.Block(Work);
                return tls;
            default:
                return transport;
        }
    }

    private DedicatedCall Open(Stream transport, string path, CallOptions options, ReadOnlyMemory<byte>? content)
    {
        HeaderList headers = new()
        {
            { ":method", "POST" },
            { ":scheme", "http" },
            { ":path", path },
            { ":authority", Engine.Authority },
            { "content-type", "application/grpc" },
            { "te", "trailers" },
            { "user-agent", UserAgent },
            { "grpc-accept-encoding", "identity" },
        };
        options.Headers?.AddTo(headers);
        try
        {
            GreetingStream connection = new(Work is SessionThreads ? Block(transport) : transport, Engine.Greet);
            return new DedicatedCall(new Http2ClientStream(connection, headers, DedicatedCall.Options with { Work = Work }, content), path, Engine, connection);
        }
        catch (Exception e)
        {
            transport.Dispose();
            if (e is IOException)
            {
                throw new EngineConnectException(EngineConnectReason.Other, Engine.Address, $"Cannot use the connection to {Engine.Name}: {e.Message}", e);
            }

            throw;
        }
    }
}
