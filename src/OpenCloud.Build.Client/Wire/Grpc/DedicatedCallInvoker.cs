using System.Net.Sockets;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Grpc;

/// <summary>
/// Calls on connections of their own, on threads of their own: those of a build. <see cref="SocketsHttpHandler"/> works on the threads of the
/// pool, which look for more work before they sleep, so that each of its steps costs a build that does little some 0.3 ms of CPU, and it
/// sends every 16 KiB by way of two of them. Here whoever reads a call waits in the kernel. No pings are sent: grpc-go's server ends a
/// connection with more than one in five minutes. An engine that has stopped is noticed by a build's session, in which it is the client
/// (<see cref="Http2Options.PingInterval"/>). Deadlines are left to the pooled calls.
/// </summary>
internal sealed class DedicatedCallInvoker : CallInvoker, IDisposable
{
    // What a peer takes of a stream before it has allowed more, less room for the prefix (RFC 9113, 6.9.2).
    private const int LargestUnasked = 60 * 1024;

    private static readonly string UserAgent = "opencloud-build/" + typeof(DedicatedCallInvoker).Assembly.GetName().Version?.ToString(3);

    /// <summary>Makes an invoker with threads of its own.</summary>
    internal DedicatedCallInvoker(EngineChannel engine)
        : this(engine, new SessionThreads())
    {
    }

    /// <summary>Makes an invoker that works in a given queue.</summary>
    internal DedicatedCallInvoker(EngineChannel engine, WorkQueue work)
    {
        Engine = engine;
        Work = work;
    }

    /// <summary>The engine that is called.</summary>
    public EngineChannel Engine { get; }

    /// <summary>Where what is awaited of a call goes on, and where its user may have more run.</summary>
    public WorkQueue Work { get; }

    /// <inheritdoc/>
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        AsyncUnaryCall(method, host, options, request).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        return new AsyncUnaryCall<TResponse>(
            Work.Run(() => exchange.AskAsync(request)), DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    /// <inheritdoc/>
    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        exchange.Begin(request);
        return new AsyncServerStreamingCall<TResponse>(
            exchange, DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    /// <inheritdoc/>
    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        exchange.Begin();
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            exchange, Work.Run(exchange.ReadAnswerAsync), DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    /// <inheritdoc/>
    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        DedicatedExchange<TRequest, TResponse> exchange = new(this, method, options);
        exchange.Begin();
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            exchange, exchange, DedicatedExchange.Headers, DedicatedExchange.Status, DedicatedExchange.Trailers, DedicatedExchange.End, exchange);
    }

    /// <summary>Has the threads end once nothing waits. Calls that are open end with the channel.</summary>
    public void Dispose() => (Work as IDisposable)?.Dispose();

    /// <summary>Opens a call; its headers are on their way when this returns, and nothing is awaited of the engine.</summary>
    /// <param name="path">The method's path.</param>
    /// <param name="options">The call's options, of which the token only stops connecting.</param>
    /// <param name="request">All of the request; null when it is written later.</param>
    /// <exception cref="EngineConnectException">The engine cannot be connected to.</exception>
    internal async Task<DedicatedCall> OpenAsync(string path, CallOptions options, ReadOnlyMemory<byte>? request)
    {
        if (options.Deadline is not null)
        {
            throw new NotSupportedException("A call on a connection of its own has no deadline; cancel it.");
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
    /// Goes on where blocking is allowed: who waited for a connection (for an answer to an upgrade, say) comes back on a thread of the pool,
    /// which has few.
    /// </summary>
    internal async ValueTask ComeBackAsync()
    {
        if (Work is SessionThreads && !SessionThread.IsCurrent)
        {
            await Work.Yield();
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
            GreetingStream connection = new(Work is SessionThreads && transport is NetworkStream socket ? new BlockingSocketStream(socket, Work) : transport);
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
