using System.ComponentModel;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>A running program in its own session; disposing it stops it.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;

    // After a kill, this does not wait longer for a process that is stuck in the kernel, or for a pipe that a process outside the group keeps open.
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(5);

    // The outputs close with the program's end, unless it left a running process that holds them.
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

        // The program gets its own session: Ctrl+C at the terminal reaches all processes of the foreground group, and would interrupt a package
        // installation or the commands that undo one. Instead it reaches this process, which decides what is stopped. .NET has no setsid(2).
        // setsid(1) becomes the program and keeps the process id, which then is also the group id. A forked process of .NET leads no group, so
        // setsid(1) has no reason to fork.
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

        // For a program that ended before the handler was attached.
        _ = Completion.ContinueWith(
            task => _ended.TrySetResult(task.IsCompletedSuccessfully ? task.Result : -1),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>The process id, which is also the id of its process group.</summary>
    public int ProcessId { get; }

    /// <summary>Ends with the exit status when the program has ended and all its output has been read.</summary>
    public Task<int> Completion { get; }

    /// <summary>Ends with the exit status when the program has ended, even when its outputs are still open.</summary>
    public Task<int> Ended => _ended.Task;

    public static RunningProgram Start(ProgramCommand command, Func<Stream, CancellationToken, Task> output, Func<Stream, CancellationToken, Task> error)
        => new(command, output, error);

    /// <summary>Starts a program and passes on the lines of both outputs, each cut at the command's limit.</summary>
    public static RunningProgram Start(ProgramCommand command, Action<string> line)
    {
        return Start(command, ReadAsync, ReadAsync);

        Task ReadAsync(Stream stream, CancellationToken stop) => ProgramOutput.ReadLinesAsync(stream, command.OutputLimit, line, stop);
    }

    public void Kill()
    {
        // CliWrap kills the children first, while their parents are still known: a child in another session is not in the group.
        _stop.Cancel();

        // The group exists as long as it has a process. The kernel reuses ids last: this one is free or still the group's.
        if (_hasGroup)
        {
            _ = LinuxCalls.Signal(-ProcessId, SigKill);
        }
    }

    /// <summary>Asks the program to end, and kills it after the given time.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (!Ended.IsCompleted)
        {
            _ = LinuxCalls.Signal(ProcessId, SigTerm);
            await Task.WhenAny(Ended, Task.Delay(patience)).ConfigureAwait(false);
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>After the program has ended: waits briefly until its output has been read.</summary>
    public Task LastWordsAsync() => Task.WhenAny(Completion, Task.Delay(LastWordsPatience));

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
