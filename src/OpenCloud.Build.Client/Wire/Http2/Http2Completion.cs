using System.Threading.Tasks.Sources;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// One awaited operation at a time, again and again without allocation. Begun and ended under the lock of its owner; whoever awaits goes
/// on in the given queue.
/// </summary>
internal sealed class Http2Completion(WorkQueue queue) : IValueTaskSource<int>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<int> _core;
    private int _result;
    private Exception? _exception;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _cancellation;

    /// <summary>Whether an operation was begun and not ended.</summary>
    internal bool IsPending { get; private set; }

    /// <summary>Begins an operation.</summary>
    /// <returns>The version for the value task that stands for it.</returns>
    internal short Begin()
    {
        _core.Reset();
        IsPending = true;
        return _core.Version;
    }

    /// <summary>Has <paramref name="onCancelled"/> called if the token is cancelled while the operation is pending.</summary>
    internal void CancelWith(Action<object?, CancellationToken> onCancelled, object state, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;

        // A token that is already cancelled calls back at once and may end the operation: then there is nothing to take back later.
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(onCancelled, state);
        if (IsPending)
        {
            _cancellation = registration;
        }
    }

    /// <summary>
    /// Whether the pending operation is one that the token cancels, and not one that was begun while the callback for an earlier one was
    /// under way.
    /// </summary>
    internal bool IsPendingWith(CancellationToken cancellationToken) => IsPending && _cancellationToken == cancellationToken;

    /// <summary>Ends the operation.</summary>
    internal void SetResult(int result)
    {
        _result = result;
        _exception = null;
        End();
    }

    /// <summary>Ends the operation with an error.</summary>
    internal void SetException(Exception exception)
    {
        _exception = exception;
        End();
    }

    /// <inheritdoc/>
    public int GetResult(short token) => _core.GetResult(token);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void End()
    {
        IsPending = false;
        _cancellation.Unregister();
        _cancellation = default;
        _cancellationToken = default;
        queue.Queue(static completion => ((Http2Completion)completion!).Complete(), this);
    }

    private void Complete()
    {
        if (_exception is { } exception)
        {
            _core.SetException(exception);
        }
        else
        {
            _core.SetResult(_result);
        }
    }
}
