using System.Diagnostics;
using System.Runtime.ExceptionServices;
using OpenCloud.Build.Client.BuildKit.Session;
using OpenCloud.Build.Client.Context;
using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Grpc.Server;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Transport;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>One build: session, Solve and Status side by side, until all of them have ended.</summary>
internal sealed class ImageBuild
{
    /// <summary>How long Status may stay silent after Solve has ended before it is taken for ended too.</summary>
    private static readonly TimeSpan StatusSilence = TimeSpan.FromSeconds(5);

    /// <summary>What a cancelled build grants the daemon to say its last words.</summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromMilliseconds(400);

    /// <summary>How long a Solve may go on without its session before it is ended from here.</summary>
    private static readonly TimeSpan SessionlessGrace = TimeSpan.FromSeconds(5);

    /// <summary>How often an observer hears of a build in which nothing happens: times on display go on.</summary>
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    private readonly ControlClient _control;
    private readonly EngineProfile _engine;
    private readonly ImageBuildRequest _request;
    private readonly IBuildObserver? _observer;
    private readonly SessionThreads _threads;
    private readonly BuildModel _model = new();
    private readonly BuildWarnings _warnings;
    private readonly Lock _telling = new();
    private readonly string _reference = BuildIdentity.New();
    private long _lastStatus;
    private bool _isTold;
    private Exception? _tickFailure;

    private ImageBuild(ControlClient control, EngineProfile engine, ImageBuildRequest request, IBuildObserver? observer, SessionThreads threads)
    {
        _threads = threads;
        _control = control;
        _engine = engine;
        _request = request;
        _observer = observer;
        _warnings = new BuildWarnings(Warn);
    }

    /// <summary>Runs a build to its end.</summary>
    /// <exception cref="ImageBuildException">The build failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the daemon has been told.</exception>
    public static async Task<ImageBuildResult> RunAsync(
        ControlClient control, EngineProfile engine, ImageBuildRequest request, IBuildObserver? observer, CancellationToken cancellationToken)
    {
        using SessionThreads threads = new();
        try
        {
            return await threads.Run(() => new ImageBuild(control, engine, request, observer, threads).RunAsync(cancellationToken)).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested && e.CancellationToken != cancellationToken)
        {
            // Not with the token of a part of the build, which says nothing to who has given this one.
            throw new OperationCanceledException("The build was cancelled.", e, cancellationToken);
        }
    }

    private async Task<ImageBuildResult> RunAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        Stopwatch clock = Stopwatch.StartNew();
        ImageMetadata.Check(_request);
        DockerfileContent? dockerfile = DockerfileContent.Of(_request, cancellationToken);
        BuildInputs inputs = BuildInputs.Of(_request, dockerfile);
        FileSyncService files = new(inputs.Directories, changes: new ContextChanges(_request.StrictContext, _warnings.Add));
        UploadService uploads = new(inputs.Archives, files.Counters);
        using BuildAttachments attachments = BuildAttachments.Create(_request, dockerfile, _engine, inputs.CreateContentStores(), cancellationToken);
        await CheckEngineAsync(attachments, cancellationToken).ConfigureAwait(false);
        Warn(attachments);
        GrpcServer server = new(BuildSession.Options);
        files.AddTo(server);
        uploads.AddTo(server);
        attachments.AddTo(server);

        IReadOnlyDictionary<string, string> response;
        try
        {
            BuildSession session = await BuildSession
                .OpenAsync(_control, server, SessionKey.ForDirectory(_request.ContextPath), _threads, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                response = await SolveAsync(session, inputs, attachments, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is GrpcException or EngineConnectException)
        {
            ImageBuildException failure = BuildFailure.From(
                AttributeSecrets.Hide(BuildFailure.Lost(e), _request), _model, _engine.Address.ToString(), _reference, files.Failure ?? uploads.Failure, _request, dockerfile);
            failure = attachments.Failure is { } own ? failure.Because(own) : failure;
            throw attachments.ExplainWithheld(failure) is { } hint ? failure.WithHint(hint) : failure;
        }

        Commit(attachments, response);
        Warn(attachments);

        return new ImageBuildResult
        {
            References = SolveRequestFactory.References(_request),
            Digest = response.GetValueOrDefault("containerimage.digest"),
            ConfigDigest = response.GetValueOrDefault("containerimage.config.digest"),
            Engine = _engine.Address.ToString(),
            Store = _engine.StoreAddress,
            Namespace = _engine.ContainerdNamespace,
            EngineVersion = _engine.Version,
            Platforms = _request.Platforms.Count > 0 ? _request.Platforms : [.. _engine.Platforms.Take(1)],
            Path = _request.ContextPath,
            Started = started,
            Duration = clock.Elapsed,
            Steps = _model.Steps,
            Warnings = [.. _warnings.All, .. _model.Warnings],
            BytesSent = files.Counters.BytesSent,
            FilesSent = files.Counters.FilesSent,
            BuildRef = _reference,
            ExporterResponse = response,
        };
    }

    private async Task CheckEngineAsync(BuildAttachments attachments, CancellationToken cancellationToken)
    {
        foreach (ExtraHost host in _request.Execution.ExtraHosts)
        {
            _ = host.Resolve(_engine);
        }

        if (attachments.Outputs.Count < 2)
        {
            return;
        }

        try
        {
            if (await EngineCapabilities.HasAsync(_control, EngineCapabilities.MultipleExporters, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }
        catch (Exception e) when (e is GrpcException or EngineConnectException)
        {
            throw BuildFailure.From(BuildFailure.Lost(e), _model, _engine.Address.ToString(), _reference, null, null);
        }

        throw new ImageBuildException(
            BuildFailureKind.Unsupported,
            $"The engine {_engine.Address} can give a build one output only, and {attachments.Outputs.Count} are asked for; several came with BuildKit 0.13.",
            null)
        {
            Engine = _engine.Address.ToString(),
            BuildRef = string.Empty,
        };
    }

    private void Commit(BuildAttachments attachments, IReadOnlyDictionary<string, string> response)
    {
        try
        {
            attachments.Commit(response);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageBuildException(BuildFailureKind.OutputFailed, e.Message, e)
            {
                Engine = _engine.Address.ToString(),
                BuildRef = _reference,
                Steps = _model.Steps,
            };
        }
    }

    private async Task<IReadOnlyDictionary<string, string>> SolveAsync(BuildSession session, BuildInputs inputs, BuildAttachments attachments, CancellationToken cancellationToken)
    {
        SolveRequest request = SolveRequestFactory.Create(_request, _engine, inputs, attachments.Outputs, _reference, session.Id);
        attachments.Apply(request);
        using CancellationTokenSource solveStop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using CancellationTokenSource statusStop = new();
        CancellationToken solveToken = solveStop.Token;
        CancellationToken statusToken = statusStop.Token;
        Task<SolveResponse> solve = _threads.Run(() => _control.SolveAsync(request, _threads, solveToken));
        Task status = _threads.Run(() => FollowAsync(statusToken));

        try
        {
            if (await Task.WhenAny(solve, session.Completion).ConfigureAwait(false) == session.Completion && !solve.IsCompleted)
            {
                // The daemon notices, too, and its words are the better ones; it is only not waited for without end.
                await Task.WhenAny(solve, Task.Delay(SessionlessGrace, cancellationToken)).ConfigureAwait(false);
                if (!solve.IsCompleted && !cancellationToken.IsCancellationRequested)
                {
                    solveStop.Cancel();
                    await ((Task)solve).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw new GrpcException(
                        new GrpcStatus(GrpcStatusCode.Unavailable, "the session with the engine ended before the build did"),
                        inner: session.Completion.Exception?.InnerException);
                }
            }

            SolveResponse response = await solve.ConfigureAwait(false);
            return new Dictionary<string, string>(response.ExporterResponse, StringComparer.Ordinal);
        }
        finally
        {
            await EndStatusAsync(status, statusStop, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads the status stream to its end; its errors are not the build's, since Solve tells those.</summary>
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _lastStatus, Stopwatch.GetTimestamp());
        using Timer? ticks = _observer is null ? null : new Timer(static build => ((ImageBuild)build!).Tick(), this, TickInterval, TickInterval);
        try
        {
            await foreach (StatusResponse message in _control.StatusAsync(_reference, _threads, cancellationToken).ConfigureAwait(false))
            {
                lock (_telling)
                {
                    ThrowIfTickFailed();
                    Tell(_model.Apply(message));
                    Volatile.Write(ref _lastStatus, Stopwatch.GetTimestamp());
                }
            }
        }
        catch (Exception e) when (e is GrpcException or EngineConnectException or OperationCanceledException)
        {
            // A daemon that dies, or a job that ended before Status found it: Solve has the reason.
        }
        finally
        {
            lock (_telling)
            {
                _isTold = true;
                Tell(_model.Complete());
                ThrowIfTickFailed();
            }
        }
    }

    /// <summary>Lets the observer know of the time that passes while nothing else happens.</summary>
    private void Tick()
    {
        // An observer that is busy with something is not waited for: a thread of the pool would wait with each tick.
        if (!_telling.TryEnter())
        {
            return;
        }

        try
        {
            // After the end it is no news, nor just after a message.
            if (!_isTold && _tickFailure is null && Stopwatch.GetElapsedTime(Volatile.Read(ref _lastStatus)) >= TickInterval / 2)
            {
                _observer!.OnEvents(_model, []);
            }
        }
        catch (Exception e)
        {
            // An exception of a timer's would end the process; the build has it where the observer's others come from.
            _tickFailure = e;
        }
        finally
        {
            _telling.Exit();
        }
    }

    private void ThrowIfTickFailed()
    {
        if (_tickFailure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private void Warn(BuildAttachments attachments)
    {
        foreach (string warning in attachments.Warnings)
        {
            _warnings.Add(warning);
        }
    }

    private void Warn(BuildWarning warning)
    {
        lock (_telling)
        {
            _observer?.OnWarning(warning);
        }
    }

    private void Tell(List<BuildEvent> events)
    {
        if (events.Count > 0)
        {
            _observer?.OnEvents(_model, events);
        }
    }

    /// <summary>Lets the status stream run out: logs may arrive after Solve's answer, and the stream ends with the job.</summary>
    private async Task EndStatusAsync(Task status, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _lastStatus, Stopwatch.GetTimestamp());
        while (!status.IsCompleted && !cancellationToken.IsCancellationRequested)
        {
            TimeSpan left = StatusSilence - Stopwatch.GetElapsedTime(Volatile.Read(ref _lastStatus));
            if (left <= TimeSpan.Zero)
            {
                break;
            }

            await status.WaitAsync(left, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!status.IsCompleted && cancellationToken.IsCancellationRequested)
        {
            await status.WaitAsync(CancelGrace, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Not CancelAsync, which takes a thread of the pool: whoever is told wakes up on its own.
        stop.Cancel();
        await status.ConfigureAwait(false);
    }
}
