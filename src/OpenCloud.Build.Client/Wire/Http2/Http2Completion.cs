using System.Threading.Tasks.Sources;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>
/// One awaited operation at a time, reusable without allocation. Begun and ended under the lock of its owner; the awaiter
/// continues in the given queue.
/// </summary>
internal sealed class Http2Completion(WorkQueue queue) : IValueTaskSource<int>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<int> _core;
    private int _result;
    private Exception? _exception;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _cancellation;

    internal bool IsPending { get; private set; }

    /// <summary>Begins an operation.</summary>
    /// <returns>The version for the operation's value task.</returns>
    internal short Begin()
    {
        _core.Reset();
        IsPending = true;
        return _core.Version;
    }

    /// <summary>Registers the callback for a cancellation of the token while the operation is pending.</summary>
    internal void CancelWith(Action<object?, CancellationToken> onCancelled, object state, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;

        // An already canceled token calls back at once and may end the operation: then there is no registration to dispose later.
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(onCancelled, state);
        if (IsPending)
        {
            _cancellation = registration;
        }
    }

    /// <summary>
    /// Whether the token cancels the pending operation, and not an earlier one whose callback was
    /// still under way when this one began.
    /// </summary>
    internal bool IsPendingWith(CancellationToken cancellationToken) => IsPending && _cancellationToken == cancellationToken;

    internal void SetResult(int result)
    {
        _result = result;
        _exception = null;
        End();
    }

    internal void SetException(Exception exception)
    {
        _exception = exception;
        End();
    }

    public int GetResult(short token) => _core.GetResult(token);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

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
