using System.Runtime.ExceptionServices;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// Follows what a daemon tells of a build, and takes it up again where that ends before the build does. Errors of the status are not the
/// build's, which Solve tells; a log that is missing or may have gaps is a warning.
/// </summary>
/// <remarks>
/// The daemon waits 3 s, newer ones 6 s, for a job that it does not know, and then answers "no such job" (moby/buildkit, solver/jobs.go):
/// a Solve that is later than that would have no log. Daemons with a history also tell of builds that have ended.
/// </remarks>
internal sealed class StatusFollower(Func<CancellationToken, IAsyncEnumerable<StatusResponse>> ask, BuildModel model, IBuildObserver? observer, TimeProvider clock)
{
    /// <summary>How long Status may stay silent after Solve has ended before it is taken for ended too.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    /// <summary>How long Solve may take to answer once the job has ended, which Status is told first.</summary>
    private static readonly TimeSpan SolveGrace = TimeSpan.FromSeconds(2);

    /// <summary>What a cancelled build grants the daemon to say its last words.</summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromMilliseconds(400);

    /// <summary>How often an observer hears of a build in which nothing happens: times on display go on.</summary>
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly Lock _telling = new();
    private long _lastStatus;
    private bool _isWhole;
    private bool _isTold;
    private Exception? _tickFailure;

    /// <summary>What the user should know of the log of a build that has succeeded.</summary>
    public IEnumerable<string> Warnings => model.Steps.Count == 0
        ? ["The engine did not tell what it did: the build has no log and no steps."]
        : _isWhole ? [] : ["The engine's account of the build broke off and could not be taken up again: the log may have gaps."];

    /// <summary>Lets the observer know of something that this side warns of.</summary>
    /// <param name="warning">The warning.</param>
    public void Warn(BuildWarning warning)
    {
        lock (_telling)
        {
            observer?.OnWarning(warning);
        }
    }

    /// <summary>Follows the status until the build has ended and all is told.</summary>
    /// <param name="solve">The build.</param>
    /// <param name="cancellationToken">Ends it.</param>
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

    /// <summary>Lets the status run out: logs may arrive after Solve's answer, and the stream ends with the job.</summary>
    /// <param name="following">What <see cref="FollowAsync"/> gave.</param>
    /// <param name="stop">Stops it.</param>
    /// <param name="cancellationToken">Stops waiting for it.</param>
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

        // Not CancelAsync, which takes a thread of the pool: whoever is told wakes up on its own.
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

            // Of a build that has failed before it began there is nothing to be told; one that has succeeded is asked for once more.
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

    /// <summary>Reads one answer, and says whether the daemon has ended it in order.</summary>
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
            // A daemon that dies, or a job that it does not know yet or no more.
            return false;
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
            if (!_isTold && _tickFailure is null && clock.GetElapsedTime(Volatile.Read(ref _lastStatus)) >= TickInterval / 2)
            {
                observer!.OnEvents(model, []);
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

    private void Tell(List<BuildEvent> events)
    {
        if (events.Count > 0)
        {
            observer?.OnEvents(model, events);
        }
    }
}
