using System.Runtime.ExceptionServices;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Follows the Status stream of a build, and requests it again when it ends before the build. An error of Status does not fail the build, whose
/// result Solve reports; a missing log, or one with possible gaps, causes a warning.
/// </summary>
/// <remarks>
/// The daemon waits 3 s, newer ones 6 s, for an unknown job, and then answers "no such job" (moby/buildkit, solver/jobs.go): a Solve that
/// starts later would have no log. Daemons with a history also report builds that have ended.
/// </remarks>
internal sealed class StatusFollower(Func<CancellationToken, IAsyncEnumerable<StatusResponse>> ask, BuildModel model, IBuildObserver? observer, TimeProvider clock)
{
    /// <summary>The longest silence of Status after Solve has ended; then Status counts as ended too.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    /// <summary>The time for Solve to answer after the job has ended, which Status reports first.</summary>
    private static readonly TimeSpan SolveGrace = TimeSpan.FromSeconds(2);

    /// <summary>The time for the daemon's last messages after a build was cancelled.</summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromMilliseconds(400);

    /// <summary>The interval of observer calls in a silent build, so that displayed times advance.</summary>
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly Lock _telling = new();
    private long _lastStatus;
    private bool _isWhole;
    private bool _isTold;
    private Exception? _tickFailure;

    /// <summary>Warnings about the log of a successful build.</summary>
    public IEnumerable<string> Warnings => model.Steps.Count == 0
        ? ["The engine did not report the progress of the build: the build has no log and no steps."]
        : _isWhole ? [] : ["The progress stream of the engine ended early and could not be resumed: the log may have gaps."];

    public void Warn(BuildWarning warning)
    {
        lock (_telling)
        {
            observer?.OnWarning(warning);
        }
    }

    /// <summary>Follows Status until the build has ended and everything has been reported.</summary>
    public async Task FollowAsync(Task solve, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _lastStatus, clock.GetTimestamp());
        using Timer? ticks = observer is null ? null : new Timer(static follower => ((StatusFollower)follower!).Tick(), this, TickInterval, TickInterval);
        try
        {
            await AskUntilEndAsync(solve, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_telling)
            {
                _isTold = true;
                Tell(model.Complete());
                ThrowIfTickFailed();
            }
        }
    }

    /// <summary>Waits for the end of Status: logs may arrive after Solve's answer, and the stream ends with the job.</summary>
    public async Task EndAsync(Task following, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _lastStatus, clock.GetTimestamp());
        while (!following.IsCompleted && !cancellationToken.IsCancellationRequested)
        {
            TimeSpan left = Silence - clock.GetElapsedTime(Volatile.Read(ref _lastStatus));
            if (left <= TimeSpan.Zero)
            {
                break;
            }

            await following.WaitAsync(left, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!following.IsCompleted && cancellationToken.IsCancellationRequested)
        {
            await following.WaitAsync(CancelGrace, clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Not CancelAsync, which occupies a pool thread: cancelled waiters continue asynchronously anyway.
        stop.Cancel();
        await following.ConfigureAwait(false);
    }

    private async Task AskUntilEndAsync(Task solve, CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstPause;
        bool isLast = false;
        while (true)
        {
            bool hasEnded = await ReadAsync(cancellationToken).ConfigureAwait(false);
            if (hasEnded)
            {
                await WaitAsync(solve, SolveGrace, cancellationToken).ConfigureAwait(false);
                _isWhole = solve.IsCompleted;
            }
            else if (!solve.IsCompleted)
            {
                await WaitAsync(solve, pause, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }

            // A build that failed before it started has nothing to report; a successful one is queried once more.
            if (_isWhole || isLast || cancellationToken.IsCancellationRequested || solve.IsFaulted || solve.IsCanceled)
            {
                return;
            }

            isLast = solve.IsCompleted;
            lock (_telling)
            {
                model.Resume();
            }
        }
    }

    private async Task WaitAsync(Task solve, TimeSpan longest, CancellationToken cancellationToken)
    {
        if (!solve.IsCompleted)
        {
            await solve.WaitAsync(longest, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Reads one Status stream; true when the daemon ended it normally.</summary>
    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (StatusResponse message in ask(cancellationToken).ConfigureAwait(false))
            {
                lock (_telling)
                {
                    ThrowIfTickFailed();
                    Tell(model.Apply(message));
                    Volatile.Write(ref _lastStatus, clock.GetTimestamp());
                }
            }

            return true;
        }
        catch (Exception e) when (e is RpcException or EngineConnectException or OperationCanceledException)
        {
            // The daemon died, or does not know the job yet, or no longer knows it.
            return false;
        }
    }

    /// <summary>Calls the observer when time passes without events.</summary>
    private void Tick()
    {
        // Does not wait for a busy observer: each tick would occupy a pool thread.
        if (!_telling.TryEnter())
        {
            return;
        }

        try
        {
            // Not after the end, nor just after a message.
            if (!_isTold && _tickFailure is null && clock.GetElapsedTime(Volatile.Read(ref _lastStatus)) >= TickInterval / 2)
            {
                Tell(model.Settle());
                observer!.OnEvents(model, []);
            }
        }
        catch (Exception e)
        {
            // An exception in a timer callback would end the process; the build rethrows it like the observer's others.
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

    private void Tell(List<BuildEvent> events)
    {
        if (events.Count > 0)
        {
            observer?.OnEvents(model, events);
        }
    }
}
