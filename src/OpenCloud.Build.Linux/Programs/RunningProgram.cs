using System.ComponentModel;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>A program that runs, in a session of its own, until it ends or is stopped; disposing of it stops it.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;

    // After a kill: a process that is stuck in the kernel, or a pipe that something outside the group keeps open, is not waited for.
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(5);

    // Its outputs are closed with its end, unless it left something running that has them, too.
    private static readonly TimeSpan LastWordsPatience = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool _hasGroup;

    private RunningProgram(ProgramCommand command, Func<Stream, CancellationToken, Task> output, Func<Stream, CancellationToken, Task> error)
    {
        if (!command.Path.StartsWith('/'))
        {
            throw new ArgumentException($"'{command.Path}' is not an absolute path.", nameof(command));
        }

        // In a session of its own: Ctrl+C at the terminal goes to all that runs there, and would cut off a package installation, or the
        // commands that take one back. It reaches this process, which decides what is stopped. .NET has no setsid(2); setsid(1) becomes
        // the program, with the process id as it is, which then is the group's as well. A forked process of .NET leads no group, so
        // that setsid(1) has no reason to fork.
        string? setSid = ProgramFinder.InSystem("setsid");
        _hasGroup = setSid is not null;
        try
        {
            (ProcessId, Completion) = ProgramStart.Start(command, setSid, output, error, code => _ended.TrySetResult(code), _stop.Token);
        }
        catch (Win32Exception failed)
        {
            _stop.Dispose();
            throw new IOException($"'{command.Path}' cannot be started: {(failed.InnerException ?? failed).Message}.", failed);
        }

        // For an end that came before the handler was there.
        _ = Completion.ContinueWith(
            task => _ended.TrySetResult(task.IsCompletedSuccessfully ? task.Result : -1),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Its process id, and the id of its group.</summary>
    public int ProcessId { get; }

    /// <summary>Ends with its exit status when it has ended and everything that it said has been read.</summary>
    public Task<int> Completion { get; }

    /// <summary>Ends with its exit status when it has ended, whoever still has its outputs.</summary>
    public Task<int> Ended => _ended.Task;

    /// <summary>Starts a program whose outputs go to readers.</summary>
    /// <exception cref="IOException">It cannot be started.</exception>
    public static RunningProgram Start(ProgramCommand command, Func<Stream, CancellationToken, Task> output, Func<Stream, CancellationToken, Task> error)
        => new(command, output, error);

    /// <summary>Starts a program and passes on the lines of both of its outputs, each cut at the command's limit.</summary>
    /// <exception cref="IOException">It cannot be started.</exception>
    public static RunningProgram Start(ProgramCommand command, Action<string> line)
    {
        return Start(command, ReadAsync, ReadAsync);

        Task ReadAsync(Stream stream, CancellationToken stop) => ProgramOutput.ReadLinesAsync(stream, command.OutputLimit, line, stop);
    }

    /// <summary>Kills it, its children and all that is in its group.</summary>
    public void Kill()
    {
        // CliWrap goes through the children first, while their parents can still be told: one in another session is not in the group.
        _stop.Cancel();

        // The group outlives its first process as long as anything is in it. Ids are given anew only after all others: this one is free
        // or the group's.
        if (_hasGroup)
        {
            _ = LinuxCalls.Signal(-ProcessId, SigKill);
        }
    }

    /// <summary>Asks it to end, and kills it when it does not.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (!Ended.IsCompleted)
        {
            _ = LinuxCalls.Signal(ProcessId, SigTerm);
            await Task.WhenAny(Ended, Task.Delay(patience)).ConfigureAwait(false);
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Of a program that has ended: waits a moment until what it said has been read.</summary>
    public Task LastWordsAsync() => Task.WhenAny(Completion, Task.Delay(LastWordsPatience));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Ended.IsCompleted)
        {
            await LastWordsAsync().ConfigureAwait(false);
        }

        if (!Completion.IsCompleted)
        {
            Kill();
        }

        await Task.WhenAny(Completion, Task.Delay(KillPatience)).ConfigureAwait(false);
        _stop.Dispose();
    }
}
