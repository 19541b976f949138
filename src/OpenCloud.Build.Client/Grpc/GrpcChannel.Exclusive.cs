using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using OpenCloud.Build.Client.Http2;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Transport;

namespace OpenCloud.Build.Client.Grpc;

/// <content>
/// Calls on connections of their own: those of a build. <see cref="SocketsHttpHandler"/> works on the threads of the pool, which look for
/// more work before they sleep, so that each of its steps costs a build that does little some 0.3 ms of CPU, and it sends every 16 KiB by
/// way of two of them. Here whoever reads a call waits in the kernel. No pings are sent:
/// grpc-go's server ends a connection with more than one in five minutes. An engine that has stopped is noticed by a build's session,
/// in which it is the client (<see cref="Http2Options.PingInterval"/>).
/// </content>
internal sealed partial class GrpcChannel
{
    // An engine that has let us in before is there, and at most busy: what a person waits for one that may not be says nothing of it.
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(30);

    // What a peer takes of a stream before it has allowed more, less room for the prefix (RFC 9113, 6.9.2).
    private const int LargestUnasked = 60 * 1024;

    private readonly HashSet<GrpcExclusiveCall> _open = [];
    private bool _disposed;

    /// <summary>A call with one message each way, on a connection of its own. Reading blocks the caller's thread where <paramref name="work"/> has threads of its own.</summary>
    /// <inheritdoc cref="UnaryAsync" path="/exception"/>
    public async Task<TResponse> UnaryExclusiveAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, WorkQueue work, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        GrpcExclusiveCall call = await AskAsync(method.Path, request, work, cancellationToken).ConfigureAwait(false);
        await using (call.ConfigureAwait(false))
        {
            using GrpcAnswerReader reader = new(call, Name);
            TResponse answer = await reader.ReadAsync(method.Parser, cancellationToken).ConfigureAwait(false)
                ?? throw new GrpcException(new GrpcStatus(GrpcStatusCode.Internal, $"{Name} answered {method.Path} without a message."));
            return await reader.ReadAsync(method.Parser, cancellationToken).ConfigureAwait(false) is null
                ? answer
                : throw new GrpcException(new GrpcStatus(GrpcStatusCode.Internal, $"{Name} answered {method.Path} with more than one message."));
        }
    }

    /// <summary>
    /// A call with one message there and any number back, on a connection of its own; it begins when it is enumerated and ends with the
    /// enumeration, which blocks the caller's thread where <paramref name="work"/> has threads of its own.
    /// </summary>
    public async IAsyncEnumerable<TResponse> ServerStreamExclusiveAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, WorkQueue work, [EnumeratorCancellation] CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        GrpcExclusiveCall call = await AskAsync(method.Path, request, work, cancellationToken).ConfigureAwait(false);
        await using (call.ConfigureAwait(false))
        {
            using GrpcAnswerReader reader = new(call, Name);
            while (await reader.ReadAsync(method.Parser, cancellationToken).ConfigureAwait(false) is { } message)
            {
                yield return message;
            }
        }
    }

    /// <summary>
    /// A call with messages both ways, as bytes, on a connection of its own. Its headers are on their way when this returns; nothing is
    /// awaited of the engine.
    /// </summary>
    /// <param name="path">The method's path.</param>
    /// <param name="metadata">The call's headers.</param>
    /// <param name="work">Where the call's work goes on; with threads of its own, what reads and writes the call blocks them.</param>
    /// <param name="cancellationToken">Stops connecting; the call is ended by disposing of it.</param>
    /// <exception cref="EngineConnectException">The engine cannot be connected to.</exception>
    public Task<GrpcExclusiveCall> OpenExclusiveAsync(string path, GrpcMetadata? metadata, WorkQueue work, CancellationToken cancellationToken) =>
        OpenWithAsync(path, metadata, null, work, cancellationToken);

    private async Task<GrpcExclusiveCall> AskAsync(string path, IMessage request, WorkQueue work, CancellationToken cancellationToken)
    {
        int size = GrpcFrame.Measure(request);
        byte[] content = new byte[GrpcFrame.PrefixLength + size];
        GrpcFrame.WritePrefix(content, size);
        request.WriteTo(content.AsSpan(GrpcFrame.PrefixLength));
        if (size <= LargestUnasked)
        {
            return await OpenWithAsync(path, null, content, work, cancellationToken).ConfigureAwait(false);
        }

        GrpcExclusiveCall call = await OpenExclusiveAsync(path, null, work, cancellationToken).ConfigureAwait(false);
        try
        {
            await call.WriteAsync(content, default, cancellationToken).ConfigureAwait(false);
            call.CompleteWriting();
            return call;
        }
        catch
        {
            await call.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<GrpcExclusiveCall> OpenWithAsync(string path, GrpcMetadata? metadata, ReadOnlyMemory<byte>? content, WorkQueue work, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Stream transport = Interlocked.Exchange(ref _firstConnection, null) ?? await ConnectExclusiveAsync(cancellationToken).ConfigureAwait(false);
        if (work is SessionThreads && !SessionThread.IsCurrent)
        {
            // Who waited for the connection (for an answer to an upgrade, say) comes back on a thread of the pool, which has few: none may block.
            await work.Yield();
        }

        HeaderList headers = new()
        {
            { ":method", "POST" },
            { ":scheme", "http" },
            { ":path", path },
            { ":authority", _authority },
            { "content-type", "application/grpc" },
            { "te", "trailers" },
            { "user-agent", UserAgent },
            { "grpc-accept-encoding", "identity" },
        };
        foreach (KeyValuePair<string, string> field in metadata ?? [])
        {
            headers.Add(field.Key, field.Value);
        }

        GrpcExclusiveCall call = Open(transport, path, headers, content, work);
        lock (_open)
        {
            if (!_disposed)
            {
                _open.Add(call);
                return call;
            }
        }

        await call.DisposeAsync().ConfigureAwait(false);
        throw new ObjectDisposedException(nameof(GrpcChannel));
    }

    private GrpcExclusiveCall Open(Stream transport, string path, HeaderList headers, ReadOnlyMemory<byte>? content, WorkQueue work)
    {
        try
        {
            GreetingStream connection = new(work is SessionThreads && transport is NetworkStream socket ? new BlockingSocketStream(socket, work) : transport);
            Http2ClientStream stream = new(connection, headers, GrpcExclusiveCall.Options with { Work = work }, content);
            return new GrpcExclusiveCall(stream, path, Name, e => ExplainGreeting(connection, e), Forget);
        }
        catch (Exception e)
        {
            transport.Dispose();
            if (e is IOException)
            {
                throw new EngineConnectException(EngineConnectReason.Other, Address, $"Cannot use the connection to {Name}: {e.Message}", e);
            }

            throw;
        }
    }

    private void Forget(GrpcExclusiveCall call)
    {
        lock (_open)
        {
            _open.Remove(call);
        }
    }

    private async ValueTask EndExclusiveAsync()
    {
        GrpcExclusiveCall[] calls;
        lock (_open)
        {
            _disposed = true;
            calls = [.. _open];
        }

        foreach (GrpcExclusiveCall call in calls)
        {
            await call.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<Stream> ConnectExclusiveAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(_connectTimeout > ShortestWait ? _connectTimeout : ShortestWait);
        try
        {
            return await _connector.ConnectAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new EngineConnectException(EngineConnectReason.Timeout, Address, $"{Name} did not accept the connection in time.", e);
        }
    }
}
