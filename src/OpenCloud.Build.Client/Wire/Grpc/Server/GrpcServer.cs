using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Health;
using OpenCloud.Build.Client.Wire.Http2;
using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Grpc.Server;

/// <summary>
/// The binder for generated services, and their server on any byte stream. Bind all services before serving. The health
/// service is always bound, since BuildKit drops a session that does not answer it (session/grpc.go).
/// </summary>
internal sealed class GrpcServer : ServiceBinderBase
{
    private static readonly HeaderList NotGrpc = new() { { ":status", "415" } };

    private readonly Dictionary<string, Func<GrpcServerCall, Task>> _handlers = new(StringComparer.Ordinal);
    private readonly List<string> _methods = [];
    private readonly Http2Options _options;
    private bool _isFixed;

    /// <summary>Creates a server with the health service only.</summary>
    internal GrpcServer(Http2Options? options = null)
    {
        _options = options ?? new Http2Options();
        Health.BindService(this, new HealthService(this));
    }

    /// <summary>The paths of all methods, in the order in which they were bound.</summary>
    internal IReadOnlyCollection<string> Methods => _methods;

    /// <summary>Called for exceptions that the peer sees only as a general message, with the path and the exception.</summary>
    internal Action<string, Exception>? UnexpectedError { get; set; }

    /// <summary>
    /// Adds a method at <c>/package.Service/Method</c>. The token of its handler is canceled when the peer cancels the call, its deadline passes
    /// or the connection is gone. An <see cref="RpcException"/> becomes the call's status; a return means OK.
    /// </summary>
    internal void Add(string path, Func<GrpcServerCall, Task> handler)
    {
        if (_isFixed)
        {
            throw new InvalidOperationException("Methods must be added before the server runs.");
        }

        if (path.Length < 4 || path[0] != '/' || path.IndexOf('/', 1) is < 2 || path.EndsWith('/'))
        {
            throw new ArgumentException($"'{path}' is not the path of a gRPC method; use the form /package.Service/Method.", nameof(path));
        }

        _handlers.Add(path, handler);
        _methods.Add(path);
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        Add(method.FullName, async call =>
        {
            TResponse response = await handler!(await OnlyRequestAsync(method, call).ConfigureAwait(false), call).ConfigureAwait(false);
            await call.WriteAsync(method.ResponseMarshaller, response, call.CancellationToken, moreFollows: true).ConfigureAwait(false);
        });

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        Add(method.FullName, async call =>
            await handler!(await OnlyRequestAsync(method, call).ConfigureAwait(false), new MessageStreams<TRequest, TResponse>(method, call), call).ConfigureAwait(false));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        Add(method.FullName, call =>
        {
            MessageStreams<TRequest, TResponse> streams = new(method, call);
            return handler!(streams, streams, call);
        });

    /// <summary>Serves on a byte stream whose peer is the HTTP/2 client; ends as <see cref="Http2Server.RunAsync"/> does.</summary>
    internal Task RunAsync(Stream transport, CancellationToken cancellationToken) => RunAsync(transport, WorkQueue.Pool, cancellationToken);

    internal async Task RunAsync(Stream transport, WorkQueue work, CancellationToken cancellationToken)
    {
        _isFixed = true;
        MessageBudget budget = new(MessageLimits.OfSession);
        await using Http2Server server = new(transport, (stream, aborted) => HandleAsync(stream, budget, aborted), _options with { Work = work });
        await server.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    internal bool HasService(string service)
    {
        foreach (string method in _methods)
        {
            if (method.Length > service.Length + 1 && method[service.Length + 1] == '/' && method.AsSpan(1).StartsWith(service, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static async ValueTask<TRequest> OnlyRequestAsync<TRequest, TResponse>(Method<TRequest, TResponse> method, GrpcServerCall call)
        where TRequest : class =>
        await call.ReadAsync(method.RequestMarshaller, call.CancellationToken).ConfigureAwait(false)
            ?? throw CallErrors.Create(StatusCode.Internal, "The request has no message.");

    private async Task HandleAsync(Http2ServerStream stream, MessageBudget budget, CancellationToken aborted)
    {
        if (stream.Method != "POST" || stream.RequestHeaders["content-type"]?.StartsWith("application/grpc", StringComparison.Ordinal) != true)
        {
            await stream.WriteHeadersAsync(NotGrpc, endStream: true).ConfigureAwait(false);
            return;
        }

        TimeSpan? timeout = GrpcTimeout.Parse(stream.RequestHeaders["grpc-timeout"], out bool isMalformed);

        // A timer cannot wait as long as a client may ask for; such a deadline is ignored.
        using CancellationTokenSource? deadline = timeout is { TotalDays: < 40 } ? new CancellationTokenSource(timeout.Value, _options.TimeProvider) : null;
        using CancellationTokenSource? either = deadline is null ? null : CancellationTokenSource.CreateLinkedTokenSource(aborted, deadline.Token);
        using GrpcServerCall call = new(
            stream, budget, deadline is null ? DateTime.MaxValue : _options.TimeProvider.GetUtcNow().UtcDateTime + timeout!.Value, either?.Token ?? aborted);
        RpcException? failure = isMalformed ? CallErrors.Create(StatusCode.Internal, "The grpc-timeout is malformed.")
            : _handlers.TryGetValue(stream.Path, out Func<GrpcServerCall, Task>? handler) ? await CallAsync(handler, call, aborted).ConfigureAwait(false)
            : CallErrors.Create(StatusCode.Unimplemented, $"The method {stream.Path} is not served here.");
        if (!aborted.IsCancellationRequested)
        {
            await call.EndAsync(failure?.Status ?? call.Status, failure?.Trailers ?? call.ResponseTrailers).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a handler; null when it returned.</summary>
    private async Task<RpcException?> CallAsync(Func<GrpcServerCall, Task> handler, GrpcServerCall call, CancellationToken aborted)
    {
        try
        {
            await handler(call).ConfigureAwait(false);
            return null;
        }
        catch (RpcException error)
        {
            return error;
        }
        catch (Exception) when (aborted.IsCancellationRequested)
        {
            // Nobody is left to report to.
            return null;
        }
        catch (OperationCanceledException) when (call.CancellationToken.IsCancellationRequested)
        {
            return CallErrors.Create(StatusCode.DeadlineExceeded, "The deadline has passed.");
        }
        catch (OperationCanceledException)
        {
            return CallErrors.Create(StatusCode.Cancelled, "The call was cancelled.");
        }
        catch (Exception error)
        {
            // Messages of other exceptions may hold paths or secrets, which the peer must not see.
            UnexpectedError?.Invoke(call.Method, error);
            return CallErrors.Create(StatusCode.Unknown, "The method failed on the client's side.");
        }
    }
}
