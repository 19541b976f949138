using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Grpc.Server;
using OpenCloud.Build.Client.Http2;
using OpenCloud.Build.Client.Threading;
using GrpcMetadata = OpenCloud.Build.Client.Grpc.GrpcMetadata;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>
/// A session: the way on which the daemon asks this client for files, health and more while it builds. <c>Control.Session</c> is a duplex
/// call whose bytes are a second HTTP/2 connection; in it the daemon is the client and the attachables are the server. The headers say
/// which session it is and what it serves (moby/buildkit, session/session.go and session/grpchijack).
/// </summary>
internal sealed class BuildSession : IAsyncDisposable
{
    private const string IdHeader = "x-docker-expose-session-uuid";
    private const string NameHeader = "x-docker-expose-session-name";
    private const string SharedKeyHeader = "x-docker-expose-session-sharedkey";
    private const string MethodHeader = "x-docker-expose-session-grpc-method";

    /// <summary>
    /// The limits of the connection inside. The patterns of a file transfer are header fields, one for each rule of a .dockerignore and each
    /// source of a COPY: a session takes the 16 MiB that grpc-go takes (internal/transport/defaults.go, defaultServerMaxHeaderListSize).
    /// </summary>
    internal static readonly Http2Options Options = new() { MaxHeaderListSize = 16 * 1024 * 1024 };

    private readonly CancellationTokenSource _stop = new();
    private readonly BytesMessageStream _stream;
    private readonly SessionThreads _threads;

    private BuildSession(string id, BytesMessageStream stream, GrpcServer server, SessionThreads threads)
    {
        Id = id;
        _stream = stream;
        _threads = threads;
        Completion = threads.Run(() => server.RunAsync(stream, threads, _stop.Token));
    }

    /// <summary>The id that Solve names.</summary>
    public string Id { get; }

    /// <summary>Ends when the connection does; faulted when it broke.</summary>
    public Task Completion { get; }

    /// <summary>Opens a session that serves what <paramref name="server"/> holds.</summary>
    /// <param name="control">The engine.</param>
    /// <param name="server">The attachables' methods; complete before the call.</param>
    /// <param name="sharedKey">See <see cref="SessionKey"/>.</param>
    /// <param name="threads">Where it is served; the caller's, to be ended after it.</param>
    /// <param name="cancellationToken">Stops opening; an open session is ended by disposing of it.</param>
    /// <exception cref="Grpc.GrpcException">The engine refused the call.</exception>
    public static async Task<BuildSession> OpenAsync(ControlClient control, GrpcServer server, string sharedKey, SessionThreads threads, CancellationToken cancellationToken)
    {
        string id = BuildIdentity.New();
        GrpcMetadata metadata = new();
        metadata.Add(IdHeader, id);
        metadata.Add(NameHeader, "opencloud.build");
        metadata.Add(SharedKeyHeader, sharedKey);
        foreach (string method in server.Methods)
        {
            metadata.Add(MethodHeader, method);
        }

        // The token only stops connecting: an open session outlives it, until the daemon has said why a cancelled build ended.
        BytesMessageStream stream = await control.SessionAsync(metadata, threads, cancellationToken).ConfigureAwait(false);
        return new BuildSession(id, stream, server, threads);
    }

    /// <summary>Ends the session: running calls are cancelled, and the daemon sees the call reset and its connection go away in order.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_stream.TryInterruptRead())
        {
            await _stop.CancelAsync().ConfigureAwait(false);
        }

        try
        {
            await Completion.ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Whoever cared has awaited Completion; an end that was asked for has no error to tell.
        }

        if (!SessionThread.IsCurrent)
        {
            // The last words may have to wait for an engine that does not read.
            await _threads.Yield();
        }

        await _stream.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }
}
