using System.Diagnostics;
using System.Management.Automation;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Pipeline;

/// <summary>
/// Runs an operation on a separate thread while the pipeline's thread, the only one that may write, processes the operation's posts. One pump
/// serves one operation.
/// </summary>
internal sealed class PipelinePump : IPipelinePoster
{
    /// <summary>The console repaints at this interval; writing more often is expensive and has no effect.</summary>
    internal static readonly TimeSpan RepaintInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>The time a stopped operation has to end before it is abandoned.</summary>
    internal static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(1);

    // Bounds the memory of a pipeline whose reader is slower than the build's log.
    private const int Capacity = 4096;
    private const long MostCharacters = 16 * 1024 * 1024;

    // Identifies the owner of progress bars to the host; PowerShell's own ids count up from 1.
    private static long _lastSourceId = 1L << 40;

    private readonly object _gate = new();
    private readonly Queue<Post> _queue = new();
    private readonly PSCmdlet _cmdlet;
    private readonly ProgressBoard _board;
    private readonly ILiveDisplay? _display;
    private readonly TimeSpan _stopGrace;
    private ProgressSnapshot? _pending;
    private ProgressSnapshot? _painted;
    private readonly long _sourceId = Interlocked.Increment(ref _lastSourceId);
    private long _lastPaint;
    private long _characters;
    private bool _closed;

    /// <summary>Creates a pump; progress goes to <paramref name="display"/> where there is one, and to PowerShell's progress bars otherwise.</summary>
    public PipelinePump(PSCmdlet cmdlet, bool isVerbose, TimeSpan? stopGrace = null, ILiveDisplay? display = null)
    {
        _stopGrace = stopGrace ?? StopGrace;
        _display = display;

        // A build that ends at once shows no display.
        _lastPaint = display is null ? 0 : Stopwatch.GetTimestamp();
        _cmdlet = cmdlet;
        IsVerbose = isVerbose;
        _board = new ProgressBoard(record => cmdlet.CommandRuntime.WriteProgress(_sourceId, record));
    }

    public bool IsVerbose { get; }

    public void Output(object value) => Enqueue(() => _cmdlet.WriteObject(value));

    public void Verbose(string text)
    {
        if (IsVerbose)
        {
            Enqueue(() => _cmdlet.WriteVerbose(TerminalText.Plain(text)), text.Length);
        }
    }

    public void Warning(string text) => Enqueue(() => _cmdlet.WriteWarning(TerminalText.Plain(text)), text.Length);

    public void Information(string text, bool isShown)
    {
        string plain = TerminalText.Plain(text);
        if (isShown)
        {
            Enqueue(() => _cmdlet.WriteInformation(new HostInformationMessage { Message = plain }, ["PSHOST"]), plain.Length);
        }
        else
        {
            Enqueue(() => _cmdlet.WriteInformation(plain, []), plain.Length);
        }
    }

    public void Error(ErrorRecord error) => Enqueue(() => _cmdlet.WriteError(error));

    public void Progress(ProgressSnapshot snapshot)
    {
        lock (_gate)
        {
            if (_pending is null)
            {
                Monitor.PulseAll(_gate);
            }

            _pending = snapshot;
        }
    }

    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        void Answer()
        {
            try
            {
                answer.TrySetResult(function());
            }
            catch (PipelineStoppedException)
            {
                answer.TrySetCanceled();
                throw;
            }
            catch (Exception exception)
            {
                answer.TrySetException(exception);
            }
        }

        lock (_gate)
        {
            if (_closed)
            {
                answer.TrySetCanceled();
            }
            else
            {
                _queue.Enqueue(new Post(Answer, () => answer.TrySetCanceled()));
                Monitor.PulseAll(_gate);
            }
        }

        return answer.Task;
    }

    /// <summary>Runs <paramref name="operation"/> to its end. Call it on the pipeline's thread.</summary>
    /// <param name="operation">Must end soon after its token is cancelled.</param>
    /// <param name="stop">Cancelled when the pipeline is stopped.</param>
    /// <exception cref="PipelineStoppedException">The pipeline was stopped.</exception>
    public void Run(Func<IPipelinePoster, CancellationToken, Task> operation, CancellationToken stop)
    {
        // Not disposed while an abandoned operation may still use its token.
        CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using SessionThreads threads = new();
        Task task = threads.Run(() => operation(this, cancel.Token));
        _ = task.ContinueWith(_ => Pulse(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        bool ended = false;
        try
        {
            using (cancel.Token.Register(Pulse))
            {
                Drain(task, cancel.Token);
            }

            ended = task.IsCompleted;
        }
        finally
        {
            // Also when writing threw: the pipeline's reader has ended (Select-Object -First), or -WarningAction Stop applies.
            ClearDisplay();
            Close();
            if (!ended)
            {
                cancel.Cancel();
                ended = WaitForEnd(task);
            }

            CompleteBoard();
            if (ended)
            {
                cancel.Dispose();
            }
            else
            {
                _ = task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            }
        }

        if (stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }

        task.GetAwaiter().GetResult();
    }

    private void Enqueue(Action action, int characters = 0)
    {
        lock (_gate)
        {
            while ((_queue.Count >= Capacity || (_queue.Count > 0 && _characters + characters > MostCharacters)) && !_closed)
            {
                Monitor.Wait(_gate);
            }

            if (!_closed)
            {
                _characters += characters;
                _queue.Enqueue(new Post(action, null, characters));
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Processes posts until the operation has ended and the queue is empty, or until the stop.</summary>
    private void Drain(Task task, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            ProgressSnapshot? paint = null;
            Post? post = null;
            lock (_gate)
            {
                // After the end a display would only flash once more.
                _pending = _display is not null && task.IsCompleted ? null : _pending;
                while (_queue.Count == 0 && !task.IsCompleted && !stop.IsCancellationRequested && !IsPaintDue())
                {
                    // When a snapshot is pending, only until its repaint is due.
                    Monitor.Wait(_gate, _pending is null ? Timeout.InfiniteTimeSpan : UntilRepaint());
                }

                if (IsPaintDue())
                {
                    (paint, _pending) = (_pending, null);
                    _lastPaint = Stopwatch.GetTimestamp();
                }
                else if (_queue.TryDequeue(out Post next))
                {
                    post = next;
                    bool wasFull = _queue.Count == Capacity - 1 || _characters > MostCharacters / 2;
                    _characters -= next.Characters;
                    if (wasFull)
                    {
                        Monitor.PulseAll(_gate);
                    }
                }
                else if (task.IsCompleted)
                {
                    return;
                }
            }

            if (post is { } due)
            {
                ClearDisplay();
                due.Run();
            }

            if (paint is not null)
            {
                Show(paint);
            }
        }
    }

    private void Show(ProgressSnapshot snapshot)
    {
        if (_display is null)
        {
            _board.Show(snapshot);
            return;
        }

        _painted = snapshot;
        _display.Paint(snapshot);
    }

    /// <summary>Removes the display before something else is written; the last snapshot is shown again later.</summary>
    private void ClearDisplay()
    {
        if (_painted is null)
        {
            return;
        }

        _display?.Clear();
        lock (_gate)
        {
            _pending ??= _painted;
            _painted = null;
        }
    }

    private bool IsPaintDue() =>
        _pending is not null && (_lastPaint == 0 || Stopwatch.GetElapsedTime(_lastPaint) >= RepaintInterval);

    private TimeSpan UntilRepaint()
    {
        TimeSpan left = RepaintInterval - Stopwatch.GetElapsedTime(_lastPaint);
        return left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
    }

    private void Pulse()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Close()
    {
        Post[] left;
        lock (_gate)
        {
            _closed = true;
            left = [.. _queue];
            _queue.Clear();
            Monitor.PulseAll(_gate);
        }

        foreach (Post post in left)
        {
            post.Abandon?.Invoke();
        }
    }

    private bool WaitForEnd(Task task)
    {
        try
        {
            return task.Wait(_stopGrace);
        }
        catch (AggregateException)
        {
            // The outcome no longer matters: the pipeline is stopped, or the exception that ended it propagates.
            return true;
        }
    }

    private void CompleteBoard()
    {
        try
        {
            _board.Complete();
        }
        catch (Exception exception) when (exception is PipelineStoppedException or InvalidOperationException)
        {
            // A stopping pipeline accepts no records, but the host still shows the bars.
            _board.Complete(record => _cmdlet.Host.UI.WriteProgress(_sourceId, record));
        }
    }

    private readonly record struct Post(Action Run, Action? Abandon, int Characters = 0);
}
