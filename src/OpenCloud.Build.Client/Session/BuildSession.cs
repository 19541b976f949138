using Grpc.Core;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using OpenCloud.Build.Client.Wire.Http2;

namespace OpenCloud.Build.Client.Session;

/// <summary>
/// A session, through which the daemon asks this client for files, health and more while it builds. <c>Control.Session</c> is a duplex call
/// whose bytes are a second HTTP/2 connection; in it the daemon is the client and the attachables are the server. The headers state
/// the session's id and what it serves (moby/buildkit, session/session.go and session/grpchijack).
/// </summary>
internal sealed class BuildSession : IAsyncDisposable
{
    private const string IdHeader = "x-docker-expose-session-uuid";
    private const string NameHeader = "x-docker-expose-session-name";
    private const string SharedKeyHeader = "x-docker-expose-session-sharedkey";
    private const string MethodHeader = "x-docker-expose-session-grpc-method";

    /// <summary>
    /// How a session is served. The patterns of a file transfer are header fields, one for each rule of a .dockerignore and each source of a COPY. So the
    /// limit is the 16 MiB that grpc-go takes (internal/transport/defaults.go, defaultServerMaxHeaderListSize). Daemons check health every 5 s
    /// (moby/buildkit, session/grpc.go), so PINGs go only to a daemon that has stopped; it is given up after 40 s. A silent step does not count.
    /// </summary>
    private static readonly Http2Options SystemOptions = new()
    {
        MaxHeaderListSize = 16 * 1024 * 1024,
        PingInterval = TimeSpan.FromSeconds(10),
        UnansweredPings = 3,
    };

    public static Http2Options Options(TimeProvider clock) => clock == TimeProvider.System ? SystemOptions : SystemOptions with { TimeProvider = clock };

    /// <summary>How long a build may go on without its session before this client ends it.</summary>
    private static readonly TimeSpan SessionlessGrace = TimeSpan.FromSeconds(5);

    /// <summary>How far the daemon's report of a session's end may precede the end itself.</summary>
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

    /// <summary>Completes when the connection ends; faulted when it broke.</summary>
    public Task Completion { get; }

    /// <summary>Opens a session that serves the bound attachables of <paramref name="server"/>, on the threads of <c>invoker</c>.</summary>
    /// <remarks>The token stops only the opening; an open session is ended by disposing of it. For the key see <see cref="SessionKey"/>.</remarks>
    /// <exception cref="RpcException">The engine refused the call.</exception>
    public static async Task<BuildSession> OpenAsync(DedicatedCallInvoker invoker, GrpcServer server, string sharedKey, CancellationToken cancellationToken)
    {
        string id = BuildIdentity.New();
        Metadata metadata = new() { { IdHeader, id }, { NameHeader, "opencloud.build" }, { SharedKeyHeader, sharedKey } };
        foreach (string method in server.Methods)
        {
            metadata.Add(MethodHeader, method);
        }

        // The token only stops connecting: an open session outlives it, until the daemon has reported why a canceled build ended.
        BytesMessageStream stream = await BytesMessageStream
            .OpenAsync(new Control.ControlClient(invoker).Session(metadata, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return new BuildSession(id, stream, server, invoker);
    }

    /// <summary>
    /// Awaits work of the daemon, at most until the session ends. The daemon notices that end, too, and its error is more precise, so the work gets a
    /// limited time to fail. Then <c>stop</c> ends the work. The token is canceled when another party has stopped it.
    /// </summary>
    /// <exception cref="RpcException">The session ended first.</exception>
    public async Task<T> WhileOpenAsync<T>(Task<T> work, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        if (await Task.WhenAny(work, Completion).ConfigureAwait(false) == Completion && !work.IsCompleted)
        {
            await ((Task)work).WaitAsync(SessionlessGrace, _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!work.IsCompleted && !cancellationToken.IsCancellationRequested)
            {
                // Not CancelAsync, which takes a thread of the pool; the waiters resume on their own.
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
            // A daemon may report the session's end before the end itself arrives here.
            if (!Completion.IsCompleted && SaysEnded(e.Status.Detail))
            {
                await Completion.WaitAsync(NewsGrace, _clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (Completion.IsCompleted)
            {
                // A later failure of the daemon to read, send or find something is not the context's fault.
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

    /// <summary>Ends the session: running calls are canceled, and the daemon sees the call reset and its connection closed in order.</summary>
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
            // Interested callers have awaited Completion; a requested end has no error to report.
        }

        if (!SessionThread.IsCurrent)
        {
            // The last messages may have to wait for an engine that does not read.
            await _work.Yield();
        }

        await _stream.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }
}
