using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Nodes;

/// <summary>
/// Builds of a set that use each other's results or share a directory: all are on one node. When it is lost, those that have not ended go to another
/// where they may be repeated. What has ended is repeated there without its outputs, and only when one of them uses its result.
/// </summary>
internal sealed class SetGroup(IEngineBuilder engines, SetPlacement placement, IReadOnlyDictionary<string, ImageBuildRequest> requests) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, CheckedBuild> _built = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TaskCompletionSource<bool>> _ends = requests.Keys.ToDictionary(
        static n => n, static _ => new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously), StringComparer.Ordinal);

    private readonly List<SetAttempt> _attempts = [];
    private Task<SetAttempt>? _current;

    /// <summary>Runs one of the builds.</summary>
    /// <exception cref="BuildErrorException">The build failed, or its node is lost and it may not be repeated.</exception>
    public async Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        Repetitions repetitions = new(build.Retries);
        try
        {
            while (true)
            {
                SetAttempt attempt = await AttemptForAsync(build, repetitions, poster, cancellationToken).ConfigureAwait(false);
                if (attempt.TryBegin(build.Target!) && await TryBuildAsync(attempt, build, repetitions, poster, cancellationToken).ConfigureAwait(false) is { } result)
                {
                    return result;
                }
            }
        }
        catch
        {
            _ends[build.Target!].TrySetResult(false);
            throw;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _attempts.ForEach(static a => a.Dispose());
            _attempts.Clear();
            _current = null;
        }
    }

    /// <summary>The build's result; null when the node was lost and the build goes to another.</summary>
    private async Task<ImageBuildResult?> TryBuildAsync(SetAttempt attempt, CheckedBuild build, Repetitions repetitions, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        string name = build.Target!;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, attempt.Left);
        try
        {
            await PrepareAsync(attempt, build, repetitions, poster, stop.Token).ConfigureAwait(false);
            using IDisposable? part = attempt.TakePart(build.Request.ContextPath);
            ImageBuildResult result = await engines.BuildAsync(attempt.Place(build) with { Announce = () => Announce(attempt, build) }, poster, stop.Token).ConfigureAwait(false);
            lock (_gate)
            {
                _built[name] = build;
            }

            attempt.Know(name);
            _ends[name].TrySetResult(true);
            return result;
        }
        catch (OperationCanceledException) when (attempt.Left.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return repetitions.TryTake() ? null : throw For(build, attempt.Loss!);
        }
        catch (BuildErrorException error) when (!cancellationToken.IsCancellationRequested)
        {
            if (!await IsRepeatedAsync(attempt, build, repetitions, error, poster).ConfigureAwait(false))
            {
                throw;
            }

            return null;
        }
        finally
        {
            await EndAsync(attempt, name).ConfigureAwait(false);
        }
    }

    private async Task EndAsync(SetAttempt attempt, string name)
    {
        attempt.End(name);
        if (attempt is { Loss: not null, IsIdle: true })
        {
            // Nothing begins there any more.
            await engines.LeaveAsync(attempt.Requests).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the results that a build uses, on a node where they are not known yet.</summary>
    /// <param name="attempt">The node.</param>
    /// <param name="build">The build.</param>
    /// <param name="repetitions">How often the build may be repeated; null where that is decided.</param>
    /// <param name="poster">Gets what is built for it.</param>
    /// <param name="cancellationToken">Ends the wait, and what is built for it.</param>
    private async Task PrepareAsync(SetAttempt attempt, CheckedBuild build, Repetitions? repetitions, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        // One after the other, as the build that waits takes one place of those that run side by side.
        foreach (string used in build.Request.DependsOn.Where(requests.ContainsKey))
        {
            Task known = attempt.KnowledgeOf(used);
            Task<bool> end = _ends[used].Task;
            await Task.WhenAny(known, end).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (known.IsCompleted)
            {
                continue;
            }

            if (!await end.ConfigureAwait(false))
            {
                throw BuildSetPlan.NotBuilt(build.Target!, used, "failed");
            }

            CheckedBuild built;
            SetAttempt? lost;
            lock (_gate)
            {
                built = _built[used];
                lost = _attempts.FindLast(static a => a.Loss is not null);
            }

            if (repetitions is { HasTaken: false } && !repetitions.TryTake())
            {
                throw For(build, lost!.Loss!);
            }

            await attempt.RepeatOnce(used, () => RepeatAsync(attempt, built, poster, cancellationToken)).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Builds on this node, without its outputs, what has been built on another.</summary>
    private async Task RepeatAsync(SetAttempt attempt, CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        string name = build.Target!;
        if (!attempt.TryBegin(name))
        {
            throw attempt.Loss!;
        }

        try
        {
            await PrepareAsync(attempt, build, null, poster, cancellationToken).ConfigureAwait(false);
            poster.Verbose($"{name}: built again on the node {attempt.Node}, where another build uses the result. Nothing is exported.");
            using IDisposable? part = attempt.TakePart(build.Request.ContextPath);
            await engines.BuildAsync(attempt.Place(build) with { MetadataPath = null, ImageIdPath = null, Announce = null }, poster, cancellationToken).ConfigureAwait(false);
            attempt.Know(name);
        }
        finally
        {
            await EndAsync(attempt, name).ConfigureAwait(false);
        }
    }

    private static void Announce(SetAttempt attempt, CheckedBuild build)
    {
        attempt.Know(build.Target!);
        build.Announce?.Invoke();
    }

    /// <summary>Whether a failed build goes to another node: its node is lost, and the build may be repeated.</summary>
    private async Task<bool> IsRepeatedAsync(SetAttempt attempt, CheckedBuild build, Repetitions repetitions, BuildErrorException error, IPipelinePoster poster)
    {
        if ((error.InnerException as ImageBuildException)?.Dependency is { } used)
        {
            // The end of that one may be the loss of the node.
            await attempt.EndOf(used).ConfigureAwait(false);
            return attempt.Loss is not null && placement.HasOther && repetitions.TryTake();
        }

        NodeLoss loss = NodeLosses.Of(error);
        if (loss == NodeLoss.None || attempt.Node is null)
        {
            return false;
        }

        // A node that has results which the build uses was reached before.
        bool isDuring = loss == NodeLoss.DuringBuild || build.Request.DependsOn.Count > 0;
        bool isFirst = attempt.Lose(error, isDuring && repetitions.Left > 0);
        if (isFirst)
        {
            placement.Lose(attempt.Node, error);
        }

        if (!placement.HasOther || (isDuring && !repetitions.TryTake()))
        {
            return false;
        }

        if (isFirst)
        {
            string names = string.Join(", ", requests.Keys.Where(n => !_ends[n].Task.IsCompleted));
            poster.Warning($"The node {attempt.Node} {(isDuring ? "was lost during the build" : "cannot be reached")}, and these builds are sent to another: {names}. {error.Message}");
        }

        if (isDuring)
        {
            await attempt.LeaveAsync().ConfigureAwait(false);
        }

        return true;
    }

    private async Task<SetAttempt> AttemptForAsync(CheckedBuild build, Repetitions repetitions, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        Task<SetAttempt> current;
        lock (_gate)
        {
            SetAttempt? lost = null;
            if (_current is { IsCompletedSuccessfully: true, Result: { Loss: { } loss } ended })
            {
                lost = ended;
                if (!placement.HasOther)
                {
                    if (repetitions.HasTaken || build.Request.DependsOn.Count > 0)
                    {
                        throw For(build, loss);
                    }

                    // A build that only shares a directory with the lost ones begins anew.
                    placement.Forget();
                }

                _current = null;
            }

            if (_current is null or { IsCompleted: true, IsCompletedSuccessfully: false })
            {
                _current = BeginAsync(lost, poster, cancellationToken);
            }

            current = _current;
        }

        try
        {
            return await current.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BuildErrorException error)
        {
            throw For(build, error);
        }
    }

    private async Task<SetAttempt> BeginAsync(SetAttempt? lost, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        if (lost is { IsLeaving: true })
        {
            // A build that ends there with success has its outputs.
            await lost.EndOfAll().WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        Dictionary<string, ImageBuildRequest> asked = requests.ToDictionary(static r => r.Key, r => _ends[r.Key].Task is { IsCompleted: true, Result: true } ? WithoutOutputs(r.Value) : r.Value, StringComparer.Ordinal);
        SetAttempt attempt = await placement.ChooseAsync(asked, poster, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _attempts.Add(attempt);
        }

        return attempt;
    }

    private static ImageBuildRequest WithoutOutputs(ImageBuildRequest request) => request with
    {
        Outputs = [new BuildOutput { Type = BuildOutput.CacheOnly }],
        Push = false,
        CacheTo = [],
        NeedsDigest = false,
    };

    private static BuildErrorException For(CheckedBuild build, BuildErrorException loss) => loss.InnerException switch
    {
        ImageBuildException failure => BuildErrors.From(failure, build),
        EngineConnectException failure => EngineErrors.From(failure),
        _ => loss,
    };

    /// <summary>How often a build may still be repeated.</summary>
    private sealed class Repetitions(int count)
    {
        public int Left { get; private set; } = count;

        public bool HasTaken { get; private set; }

        public bool TryTake()
        {
            HasTaken |= Left > 0;
            return Left-- > 0;
        }
    }
}
