using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Auth;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.FileSync;
using OpenCloud.Build.Client.Protocol.SourcePolicies;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// A context that several builds of a set use: one session serves its directories to all of them, and one build that makes nothing keeps what they
/// have loaded and solved until the set ends. So the engine asks for a directory once, whether the builds run side by side or one after the other.
/// </summary>
/// <remarks>
/// The engine treats operations of two builds as one where their bytes are the same and the first is not over (moby/buildkit, solver/jobs.go). The
/// bytes of a local directory have the id of the session that serves it, which the attribute <c>local-sessionid:name</c> sets (frontend/dockerui/config.go, since v0.16; older daemons ask the session of each build).
/// buildx shares sessions the same way (build/build.go, detectSharedMounts).
/// </remarks>
internal sealed class SharedContext : IAsyncDisposable
{
    private const string DockerfileName = "dockerfile";

    private readonly DedicatedCallInvoker _invoker;
    private readonly Dictionary<string, ContextSource> _sources = new(StringComparer.Ordinal);
    private readonly List<Action<string>> _warn = [];
    private readonly FileSyncService _files;
    private readonly CancellationTokenSource _stop = new();
    private readonly string _reference = BuildIdentity.New();
    private readonly string? _dockerfile;
    private readonly Lock _gate = new();
    private readonly HashSet<ByteString> _kept = [];
    private BuildSession? _session;
    private Task<SolveResponse>? _keeper;
    private long _claimedBytes;
    private long _claimedFiles;
    private int _disposed;

    private SharedContext(DedicatedCallInvoker invoker, IReadOnlyList<ImageBuildRequest> builds)
    {
        _invoker = invoker;

        // Builds with another Dockerfile have it sent by their own session.
        _dockerfile = builds.Select(IdentityOf).OfType<string>().GroupBy(static d => d).OrderByDescending(static g => g.Count()).FirstOrDefault()?.Key;
        foreach (ImageBuildRequest build in builds)
        {
            foreach (ContextSource source in DirectoriesOf(build))
            {
                if (IsServed(source, build))
                {
                    _sources.TryAdd(source.Name, source);
                }
            }
        }

        _files = new FileSyncService(_sources.Values, changes: new ContextChanges(builds.Any(static b => b.StrictContext), Warn));
    }

    /// <summary>Opens the session, and starts the build that keeps what is loaded.</summary>
    /// <param name="channel">The engine.</param>
    /// <param name="builds">The builds; all have the same context, and those with a local Dockerfile have it read.</param>
    /// <param name="credentials">A build with the registries and credentials of the whole set.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    public static async Task<SharedContext> OpenAsync(EngineChannel channel, IReadOnlyList<ImageBuildRequest> builds, ImageBuildRequest credentials, CancellationToken cancellationToken)
    {
        SharedContext shared = new(channel.OpenDedicated(), builds);
        try
        {
            await shared._invoker.Work.Run(() => shared.OpenAsync(builds, credentials, cancellationToken)).ConfigureAwait(false);
            return shared;
        }
        catch
        {
            await shared.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Makes the frontend take from this session what it serves.</summary>
    public void AddTo(IDictionary<string, string> attributes, ImageBuildRequest build, BuildInputs inputs)
    {
        foreach (ContextSource source in inputs.Directories)
        {
            if (IsServed(source, build) && _sources.ContainsKey(source.Name))
            {
                attributes["local-sessionid:" + source.Name] = _session!.Id;
            }
        }
    }

    /// <summary>Has warnings about files that change told to this build, too, until the result is disposed.</summary>
    public IDisposable Join(Action<string> warn)
    {
        lock (_gate)
        {
            _warn.Add(warn);
        }

        return new Membership(this, warn);
    }

    /// <summary>What was sent since the last call: it counts for the build that ends now.</summary>
    public (long Files, long Bytes) Claim()
    {
        lock (_gate)
        {
            (long files, long bytes) = (_files.Counters.FilesSent - _claimedFiles, _files.Counters.BytesSent - _claimedBytes);
            _claimedFiles += files;
            _claimedBytes += bytes;
            return (files, bytes);
        }
    }

    /// <summary>The failure to send a file that an error of the engine repeats; null when it repeats none.</summary>
    public Exception? FailureIn(string text) => _files.FailureIn(text);

    /// <summary>Whether all parts of the directories that a result is made of are kept.</summary>
    public bool Keeps(SolvedBuild solved)
    {
        lock (_gate)
        {
            return solved.LocalSources.All(_kept.Contains);
        }
    }

    /// <summary>
    /// Keeps a result that has just been solved. The engine runs nothing for it. Where it cannot be kept, later builds load the context again, or take
    /// the result from the cache.
    /// </summary>
    public async Task KeepAsync(SolvedBuild solved, Policy? policy, CancellationToken cancellationToken)
    {
        Gateway.LLBBridge.LLBBridgeClient bridge = new(_invoker);
        foreach ((_, Protocol.Solver.Definition? definition) in solved.Definitions)
        {
            if (definition is not null)
            {
                Gateway.SolveRequest request = new() { Definition = definition, Evaluate = true, AllowResultReturn = true, AllowResultArrayRef = true };
                request.SourcePolicies.AddRange(policy is null ? [] : [policy]);
                if (!await AskKeeperAsync(() => bridge.SolveAsync(request, GatewayCalls.Of(_reference, cancellationToken))).ConfigureAwait(false))
                {
                    return;
                }
            }
        }

        lock (_gate)
        {
            _kept.UnionWith(solved.LocalSources);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (_keeper is { } keeper)
        {
            await ((Task)keeper).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (_session is { } session)
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }

        _invoker.Dispose();
        _stop.Dispose();
    }

    /// <summary>Tells one local Dockerfile from another; null for a Dockerfile that the engine fetches.</summary>
    public static string? IdentityOf(ImageBuildRequest build) => build.DockerfileText is { } text ? "text:" + text : build.DockerfileContent?.Path;

    private static IReadOnlyList<ContextSource> DirectoriesOf(ImageBuildRequest build)
    {
        try
        {
            return BuildInputs.Of(build, build.DockerfileContent).Directories;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or FormatException)
        {
            // The build itself reports it, and the others run without it.
            return [];
        }
    }

    // The names of other directories are unique to their paths.
    private bool IsServed(ContextSource source, ImageBuildRequest build) => source.Name != DockerfileName || IdentityOf(build) == _dockerfile;

    private async Task OpenAsync(IReadOnlyList<ImageBuildRequest> builds, ImageBuildRequest credentials, CancellationToken cancellationToken)
    {
        GrpcServer server = new(BuildSession.Options(_invoker.Engine.Clock));
        FileSync.BindService(server, _files);
        Auth.BindService(server, InputServices.CreateAuth(credentials, null));
        _session = await BuildSession.OpenAsync(_invoker, server, SessionKey.ForDirectory(builds[0].ContextPath), cancellationToken).ConfigureAwait(false);
        SolveRequest request = new() { Ref = _reference, Session = _session.Id, Cache = new CacheOptions(), Internal = true };
        request.Entitlements.Add(builds.SelectMany(static b => b.Execution.AllEntitlements).Distinct(StringComparer.Ordinal));
        _keeper = new Control.ControlClient(_invoker).SolveAsync(request, cancellationToken: _stop.Token).ResponseAsync;
        Gateway.LLBBridge.LLBBridgeClient bridge = new(_invoker);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        CancellationToken token = stop.Token;
        await _session.WhileOpenAsync(AskKeeperAsync(() => bridge.PingAsync(new Gateway.PingRequest(), GatewayCalls.Of(_reference, token))), stop, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Asks the build that keeps, at most until it ends. False where it does not answer, which costs only time.</summary>
    private async Task<bool> AskKeeperAsync<T>(Func<AsyncUnaryCall<T>> call)
    {
        if (_keeper is not { IsCompleted: false } keeper)
        {
            return false;
        }

        try
        {
            Task<T> answer = GatewayCalls.BeginAsync(call, keeper);
            await Task.WhenAny(answer, keeper).ConfigureAwait(false);
            if (!answer.IsCompleted)
            {
                // The daemon would look for the build that has ended for some seconds.
                _ = answer.ContinueWith(static a => _ = a.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                return false;
            }

            await answer.ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is RpcException or EngineConnectException)
        {
            return false;
        }
    }

    private void Warn(string text)
    {
        Action<string>[] all;
        lock (_gate)
        {
            all = [.. _warn];
        }

        foreach (Action<string> warn in all)
        {
            warn(text);
        }
    }

    private sealed class Membership(SharedContext shared, Action<string> warn) : IDisposable
    {
        public void Dispose()
        {
            lock (shared._gate)
            {
                shared._warn.Remove(warn);
            }
        }
    }
}
