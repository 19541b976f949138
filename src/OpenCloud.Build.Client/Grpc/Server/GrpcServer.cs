using Google.Protobuf;
using OpenCloud.Build.Client.Http2;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Grpc.Server;

/// <summary>
/// A table of gRPC methods, and their server on any stream of octets. The table is made first and then only read. The health service is
/// always in it, since BuildKit drops a session that does not answer it (session/grpc.go).
/// </summary>
internal sealed class GrpcServer
{
    private static readonly HeaderList NotGrpc = new() { { ":status", "415" } };
    private static readonly GrpcStatus Ok = new(GrpcStatusCode.Ok, string.Empty);

    private readonly Dictionary<string, Func<GrpcServerCall, CancellationToken, Task>> _handlers = new(StringComparer.Ordinal);
    private readonly List<string> _methods = [];
    private readonly Http2Options _options;
    private bool _isFixed;

    /// <summary>Creates a server with the health service only.</summary>
    internal GrpcServer(Http2Options? options = null)
    {
        _options = options ?? new Http2Options();
        HealthService.AddTo(this);
    }

    /// <summary>The paths of all methods, in the order in which they were added.</summary>
    internal IReadOnlyCollection<string> Methods => _methods;

    /// <summary>Told of exceptions for which the peer gets no more than a general message: the path, and what was thrown.</summary>
    internal Action<string, Exception>? UnexpectedError { get; set; }

    /// <summary>Adds a method.</summary>
    /// <param name="path">Its path, <c>/package.Service/Method</c>.</param>
    /// <param name="handler">
    /// Serves one call. The token is cancelled when the peer gives the call up, its deadline passes or the connection is gone. A
    /// <see cref="GrpcException"/> becomes the call's status; a return means <see cref="GrpcStatusCode.Ok"/>.
    /// </param>
    internal void Add(string path, Func<GrpcServerCall, CancellationToken, Task> handler)
    {
        if (_isFixed)
        {
            throw new InvalidOperationException("Methods must be added before the server runs.");
        }

        if (path.Length < 4 || path[0] != '/' || path.IndexOf('/', 1) is < 2 || path.EndsWith('/'))
        {
            throw new ArgumentException($"'{path}' is no path of a gRPC method; it should look like /package.Service/Method.", nameof(path));
        }

        _handlers.Add(path, handler);
        _methods.Add(path);
    }

    /// <summary>Adds a method with one request and one response.</summary>
    internal void AddUnary<TRequest>(string path, MessageParser<TRequest> parser, Func<TRequest, GrpcServerCall, CancellationToken, Task<IMessage>> handler)
        where TRequest : class, IMessage<TRequest> => Add(path, async (call, cancellationToken) =>
        {
            TRequest request = await call.ReadAsync(parser, cancellationToken).ConfigureAwait(false)
                ?? throw new GrpcException(new GrpcStatus(GrpcStatusCode.Internal, "The request has no message."));
            IMessage response = await handler(request, call, cancellationToken).ConfigureAwait(false);
            await call.WriteAsync(response, cancellationToken, moreFollows: true).ConfigureAwait(false);
        });

    /// <summary>Serves on a stream of octets in which the peer is the HTTP/2 client; ends as <see cref="Http2Server.RunAsync"/> does.</summary>
    internal Task RunAsync(Stream transport, CancellationToken cancellationToken) => RunAsync(transport, WorkQueue.Pool, cancellationToken);

    /// <summary>The same, with the work done in a given queue.</summary>
    internal async Task RunAsync(Stream transport, WorkQueue work, CancellationToken cancellationToken)
    {
        _isFixed = true;
        await using var server = new Http2Server(transport, HandleAsync, _options with { Work = work });
        await server.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether a service of that name has methods here.</summary>
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

    private async Task HandleAsync(Http2ServerStream stream, CancellationToken aborted)
    {
        if (stream.Method != "POST" || stream.RequestHeaders["content-type"]?.StartsWith("application/grpc", StringComparison.Ordinal) != true)
        {
            await stream.WriteHeadersAsync(NotGrpc, endStream: true).ConfigureAwait(false);
            return;
        }

        using var call = new GrpcServerCall(stream);
        if (!_handlers.TryGetValue(stream.Path, out Func<GrpcServerCall, CancellationToken, Task>? handler))
        {
            await call.EndAsync(new GrpcStatus(GrpcStatusCode.Unimplemented, $"The method {stream.Path} is not served here."), []).ConfigureAwait(false);
            return;
        }

        TimeSpan? timeout = null;
        if (stream.RequestHeaders["grpc-timeout"] is string text)
        {
            if (!GrpcTimeout.TryParse(text, out TimeSpan parsed))
            {
                await call.EndAsync(new GrpcStatus(GrpcStatusCode.Internal, "The grpc-timeout is malformed."), []).ConfigureAwait(false);
                return;
            }

            timeout = parsed;
        }

        (GrpcStatus status, IReadOnlyList<GrpcStatusDetail> details) = await CallAsync(handler, call, timeout, aborted).ConfigureAwait(false);
        if (!aborted.IsCancellationRequested)
        {
            await call.EndAsync(status, details).ConfigureAwait(false);
        }
    }

    private async Task<(GrpcStatus Status, IReadOnlyList<GrpcStatusDetail> Details)> CallAsync(
        Func<GrpcServerCall, CancellationToken, Task> handler, GrpcServerCall call, TimeSpan? timeout, CancellationToken aborted)
    {
        // A timer cannot wait for as long as a client may ask for; such a deadline is none.
        using CancellationTokenSource? deadline = timeout is { TotalDays: < 40 } ? new CancellationTokenSource(timeout.Value, _options.TimeProvider) : null;
        using CancellationTokenSource? either = deadline is null ? null : CancellationTokenSource.CreateLinkedTokenSource(aborted, deadline.Token);
        CancellationToken cancellationToken = either?.Token ?? aborted;
        try
        {
            await handler(call, cancellationToken).ConfigureAwait(false);
            return (Ok, []);
        }
        catch (GrpcException error)
        {
            return (error.Status, error.Details);
        }
        catch (Exception) when (aborted.IsCancellationRequested)
        {
            // Nobody is left to be told.
            return (new GrpcStatus(GrpcStatusCode.Cancelled, string.Empty), []);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return (new GrpcStatus(GrpcStatusCode.DeadlineExceeded, "The deadline has passed."), []);
        }
        catch (OperationCanceledException)
        {
            return (new GrpcStatus(GrpcStatusCode.Cancelled, "The call was cancelled."), []);
        }
        catch (Exception error)
        {
            // Messages of other exceptions may hold paths or secrets, which are none of the peer's business.
            UnexpectedError?.Invoke(call.Path, error);
            return (new GrpcStatus(GrpcStatusCode.Unknown, "The method failed on the client's side."), []);
        }
    }
}
