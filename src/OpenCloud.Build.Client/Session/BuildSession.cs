using Grpc.Core;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using OpenCloud.Build.Client.Wire.Http2;

namespace OpenCloud.Build.Client.Session;

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
    /// How a session is served. The patterns of a file transfer are header fields, one for each rule of a .dockerignore and each source of a COPY: it
    /// takes the 16 MiB that grpc-go takes (internal/transport/defaults.go, defaultServerMaxHeaderListSize). Daemons ask for its health every 5 s
    /// (moby/buildkit, session/grpc.go), so that PINGs are sent to one that has stopped only; it is given up after 40 s. A step that is silent is
    /// none of the session's.
    /// </summary>
    private static readonly Http2Options SystemOptions = new()
    {
        MaxHeaderListSize = 16 * 1024 * 1024,
        PingInterval = TimeSpan.FromSeconds(10),
        UnansweredPings = 3,
    };

    /// <summary>The same by another clock.</summary>
    public static Http2Options Options(TimeProvider clock) => clock == TimeProvider.System ? SystemOptions : SystemOptions with { TimeProvider = clock };

    /// <summary>How long a build may go on without its session before it is ended from here.</summary>
    private static readonly TimeSpan SessionlessGrace = TimeSpan.FromSeconds(5);

    /// <summary>How far the news of a session's end may be ahead of it.</summary>
    private static readonly TimeSpan NewsGrace = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private readonly BytesMessageStream _stream;
    private readonly WorkQueue _work;
    private readonly TimeProvider _clock;

    private BuildSession(string id, BytesMessageStream stream, GrpcServer server, DedicatedCallInvoker invoker)
    {
        Id = id;
        _stream = stream;
        WorkQueue work = _work = invoker.Work;
        _clock = invoker.Engine.Clock;
        Completion = work.Run(() => server.RunAsync(stream, work, _stop.Token));
    }

    /// <summary>The id that Solve names.</summary>
    public string Id { get; }

    /// <summary>Ends when the connection does; faulted when it broke.</summary>
    public Task Completion { get; }

    /// <summary>Opens a session that serves what <paramref name="server"/> holds.</summary>
    /// <param name="invoker">The calls of the build, on whose threads it is served.</param>
    /// <param name="server">The attachables, all of them bound.</param>
    /// <param name="sharedKey">See <see cref="SessionKey"/>.</param>
    /// <param name="cancellationToken">Stops opening; an open session is ended by disposing of it.</param>
    /// <exception cref="RpcException">The engine refused the call.</exception>
    public static async Task<BuildSession> OpenAsync(DedicatedCallInvoker invoker, GrpcServer server, string sharedKey, CancellationToken cancellationToken)
    {
        string id = BuildIdentity.New();
        Metadata metadata = new() { { IdHeader, id }, { NameHeader, "opencloud.build" }, { SharedKeyHeader, sharedKey } };
        foreach (string method in server.Methods)
        {
            metadata.Add(MethodHeader, method);
        }

        // The token only stops connecting: an open session outlives it, until the daemon has said why a cancelled build ended.
        BytesMessageStream stream = await BytesMessageStream
            .OpenAsync(new Control.ControlClient(invoker).Session(metadata, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return new BuildSession(id, stream, server, invoker);
    }

    /// <summary>
    /// Waits for what the daemon does with the session, and not for longer than the session is there: a daemon notices its end, too, and its words are
    /// the better ones, but it is not waited for without end.
    /// </summary>
    /// <param name="work">What the daemon does.</param>
    /// <param name="stop">Stops it.</param>
    /// <param name="cancellationToken">Is cancelled when somebody else has stopped it.</param>
    /// <exception cref="RpcException">The session ended first.</exception>
    public async Task<T> WhileOpenAsync<T>(Task<T> work, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        if (await Task.WhenAny(work, Completion).ConfigureAwait(false) == Completion && !work.IsCompleted)
        {
            await ((Task)work).WaitAsync(SessionlessGrace, _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!work.IsCompleted && !cancellationToken.IsCancellationRequested)
            {
                // Not CancelAsync, which takes a thread of the pool: whoever is told wakes up on its own.
                stop.Cancel();
                await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw Lost(null);
            }
        }

        try
        {
            return await work.ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode != StatusCode.Unavailable && BuildKitErrorDetails.From(e).ExitCode is null)
        {
            // A daemon may tell of the session's end before the end itself has come here.
            if (!Completion.IsCompleted && SaysEnded(e.Status.Detail))
            {
                await Completion.WaitAsync(NewsGrace, _clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (Completion.IsCompleted)
            {
                // What the daemon then could not read, send or find is no fault of the context's.
                throw Lost(e);
            }

            throw;
        }
    }

    private static bool SaysEnded(string message) =>
        message.Contains("context cancel", StringComparison.Ordinal) || message.Contains("no active session", StringComparison.Ordinal)
        || message.Contains("EOF", StringComparison.Ordinal) || message.Contains("closing", StringComparison.Ordinal);

    private RpcException Lost(RpcException? said)
    {
        Exception? cause = Completion.Exception?.InnerException;
        string story = cause is Http2SilenceException ? cause.Message : "the session with the engine ended before the build did";
        return CallErrors.Create(StatusCode.Unavailable, said is null ? story : $"{story}: {said.Status.Detail}", said ?? cause);
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
            await _work.Yield();
        }

        await _stream.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }
}
