using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Nodes;

/// <summary>
/// One attempt to build a group of a set: its node, and what is known there. When the node is lost, the builds of the group that have not ended
/// leave it for the next attempt.
/// </summary>
internal sealed class SetAttempt(string? node, Func<CheckedBuild, CheckedBuild> place, IReadOnlyDictionary<string, ImageBuildRequest> requests, NodeLease? lease) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TaskCompletionSource> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TaskCompletionSource> _runs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task> _repeated = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _left = new();
    private NodeLease? _lease = lease;

    /// <summary>The address of the node; null for an engine that is not a node.</summary>
    public string? Node => node;

    /// <summary>The requests of the group, an object of this attempt alone: it tells the builds of one engine from those of another.</summary>
    public IReadOnlyDictionary<string, ImageBuildRequest> Requests => requests;

    /// <summary>Why the node is not used for builds that begin; null while it is.</summary>
    public BuildErrorException? Loss { get; private set; }

    /// <summary>Whether the builds that run there are repeated elsewhere.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>Cancelled when the builds are to leave the node.</summary>
    public CancellationToken Left => _left.Token;

    /// <summary>The build on the node, with those of the group.</summary>
    public CheckedBuild Place(CheckedBuild build) => place(build) with { Request = requests[build.Target!], Set = requests };

    /// <summary>One build's part of the load of the node, until it is disposed.</summary>
    public IDisposable? TakePart(string key) => node is null ? null : Interlocked.Exchange(ref _lease, null) ?? NodeChoice.Take(key, [node]);

    /// <summary>Takes that the node is lost; only the first call counts.</summary>
    /// <param name="loss">The error of the build that has noticed it.</param>
    /// <param name="isLeaving">Whether the builds that run there are repeated elsewhere.</param>
    /// <returns>Whether it was the first.</returns>
    public bool Lose(BuildErrorException loss, bool isLeaving)
    {
        lock (_gate)
        {
            IsLeaving |= isLeaving;
            if (Loss is not null)
            {
                return false;
            }

            Loss = loss;
            Interlocked.Exchange(ref _lease, null)?.Dispose();
            return true;
        }
    }

    /// <summary>Ends the builds that still run on the node, which are repeated.</summary>
    public Task LeaveAsync() => _left.CancelAsync();

    /// <summary>Takes the begin of a build; false when the node is lost.</summary>
    public bool TryBegin(string name)
    {
        lock (_gate)
        {
            if (Loss is null)
            {
                _runs[name] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return Loss is null;
        }
    }

    /// <summary>Takes the end of a build, after what it means for the attempt.</summary>
    public void End(string name)
    {
        lock (_gate)
        {
            _runs[name].TrySetResult();
        }
    }

    /// <summary>Completes when no build of the name runs.</summary>
    public Task EndOf(string name)
    {
        lock (_gate)
        {
            return _runs.GetValueOrDefault(name)?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>Completes when the builds that run now have ended.</summary>
    public Task EndOfAll()
    {
        lock (_gate)
        {
            return Task.WhenAll(_runs.Values.Select(static r => r.Task));
        }
    }

    /// <summary>Whether no build runs.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _runs.Values.All(static r => r.Task.IsCompleted);
            }
        }
    }

    /// <summary>Completes when the result of a build is known on the node.</summary>
    public Task KnowledgeOf(string name) => SourceOf(name).Task;

    /// <summary>Takes that the result of a build is known on the node.</summary>
    public void Know(string name) => SourceOf(name).TrySetResult();

    /// <summary>Builds what has been built on a lost node; once for all that need it.</summary>
    public Task RepeatOnce(string name, Func<Task> repeat)
    {
        lock (_gate)
        {
            if (!_repeated.TryGetValue(name, out Task? repeated))
            {
                _repeated[name] = repeated = Task.Run(repeat);
            }

            return repeated;
        }
    }

    public void Dispose()
    {
        Interlocked.Exchange(ref _lease, null)?.Dispose();
        _left.Dispose();
    }

    private TaskCompletionSource SourceOf(string name)
    {
        lock (_gate)
        {
            if (!_known.TryGetValue(name, out TaskCompletionSource? known))
            {
                _known[name] = known = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return known;
        }
    }
}
