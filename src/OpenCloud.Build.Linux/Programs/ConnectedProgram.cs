using System.Net.Sockets;
using System.Text;

namespace OpenCloud.Build.Linux.Programs;

/// <summary>
/// A running program whose standard input and output are one end of a socket pair; the other end is <see cref="Connection"/>. It leads its own
/// session, and its whole group ends with it.
/// </summary>
/// <remarks>
/// <see cref="RunningProgram"/> starts programs by .NET, which offers pipes only. A socket carries both directions on one descriptor, so that the
/// code for connections works on it unchanged and no thread copies between the two. The program sees the end of its input when this process ends
/// in whatever way.
/// </remarks>
internal sealed class ConnectedProgram
{
    private const int SigKill = 9;

    // The last output of a program says why it ended.
    private const int MostErrorBytes = 16 << 10;

    // A process outside the group may keep the standard error open, such as an ssh connection that the user's configuration keeps.
    private static readonly TimeSpan LastWordsPatience = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly MemoryStream _errors = new();
    private readonly Socket _errorSocket;
    private readonly Task _errorsRead;
    private bool _ended;
    private int _stopped;

    private ConnectedProgram(string path, int processId, Socket connection, Socket errors)
    {
        Path = path;
        ProcessId = processId;
        Connection = connection;
        _errorSocket = errors;
        _errorsRead = ReadErrorsAsync();
    }

    public string Path { get; }

    public int ProcessId { get; }

    /// <summary>The other end of the program's input and output. Its receiver closes it.</summary>
    public Socket Connection { get; }

    /// <summary>The exit status, which is 128 plus the signal number when a signal ended the program; null while it runs, and when it is unknown.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>The last part of what the program wrote to its standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
            {
                return Encoding.UTF8.GetString(_errors.GetBuffer(), 0, (int)_errors.Length);
            }
        }
    }

    /// <summary>Starts a program. Its input, timeout and output limit do not apply.</summary>
    /// <exception cref="IOException">The program cannot be started.</exception>
    public static ConnectedProgram Start(ProgramCommand command)
    {
        if (!command.Path.StartsWith('/'))
        {
            throw new ArgumentException($"'{command.Path}' is not an absolute path.", nameof(command));
        }

        string[] environment = [.. command.Environment.Select(static v => $"{v.Key}={v.Value}")];
        if (command.Arguments.Concat(environment).Any(static text => text.Contains('\0')))
        {
            throw new ArgumentException("An argument or a variable contains a zero character.", nameof(command));
        }

        if (!LinuxCalls.TryCreateSocketPair(out int near, out int far))
        {
            throw Failed(command.Path, LinuxCalls.LastError);
        }

        if (!LinuxCalls.TryCreateSocketPair(out int nearErrors, out int farErrors))
        {
            int error = LinuxCalls.LastError;
            _ = LinuxCalls.Close(near);
            _ = LinuxCalls.Close(far);
            throw Failed(command.Path, error);
        }

        Socket connection = new(new SafeSocketHandle(near, ownsHandle: true));
        Socket errors = new(new SafeSocketHandle(nearErrors, ownsHandle: true));
        int failure = LinuxCalls.Spawn(command.Path, command.Arguments, environment, command.Folder, far, farErrors, out int process);
        _ = LinuxCalls.Close(far);
        _ = LinuxCalls.Close(farErrors);
        if (failure != 0)
        {
            connection.Dispose();
            errors.Dispose();
            throw Failed(command.Path, failure);
        }

        return new ConnectedProgram(command.Path, process, connection, errors);
    }

    /// <summary>Whether the program has ended. Then its group is killed, and its status is taken.</summary>
    public bool HasEnded()
    {
        lock (_lock)
        {
            if (!_ended && LinuxCalls.HasEnded(ProcessId))
            {
                // The ended leader keeps the id of the group until its status is taken.
                _ = LinuxCalls.Signal(-ProcessId, SigKill);
                ExitCode = LinuxCalls.TakeStatus(ProcessId);
                _ended = true;
            }

            return _ended;
        }
    }

    /// <summary>Waits for the end of the program and for its last output.</summary>
    /// <returns>Whether it ended in time.</returns>
    public async Task<bool> WaitAsync(TimeSpan patience, CancellationToken cancellationToken = default)
    {
        long start = Environment.TickCount64;
        for (int pause = 1; !HasEnded(); pause = Math.Min(pause * 2, 50))
        {
            if (Environment.TickCount64 - start >= patience.TotalMilliseconds)
            {
                return false;
            }

            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }

        await Task.WhenAny(_errorsRead, Task.Delay(LastWordsPatience, cancellationToken)).ConfigureAwait(false);
        return true;
    }

    /// <summary>Kills the program and its group, and takes its status. Does not wait for them.</summary>
    public void Stop()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }

        lock (_lock)
        {
            if (!_ended)
            {
                _ = LinuxCalls.Signal(-ProcessId, SigKill);
            }
        }

        _ = FinishAsync();
    }

    private static IOException Failed(string path, int error) => new($"'{path}' cannot be started: {LinuxCalls.Describe(error)}.");

    private async Task FinishAsync()
    {
        await WaitAsync(KillPatience).ConfigureAwait(false);
        _errorSocket.Dispose();
    }

    private async Task ReadErrorsAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await _errorSocket.ReceiveAsync(buffer.AsMemory()).ConfigureAwait(false) is var count and > 0)
            {
                lock (_errors)
                {
                    if (_errors.Length + count > MostErrorBytes)
                    {
                        byte[] last = _errors.GetBuffer()[(int)(_errors.Length / 2)..(int)_errors.Length];
                        _errors.SetLength(0);
                        _errors.Write(last);
                    }

                    _errors.Write(buffer, 0, count);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The program is gone.
        }
    }
}
