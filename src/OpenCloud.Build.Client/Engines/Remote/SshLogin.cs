using System.Text;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// One login of ssh that all connections to a host share. A build has four connections or more, and a login of its own would cost each of them
/// a key exchange. The ssh that logs in creates a control socket in a directory that only this user may enter, and runs cat there, which ends with
/// its input: with this process, in whatever way that ends (ssh_config(5), ControlMaster). Further ones hand their descriptors to it.
/// </summary>
/// <remarks>ssh makes a connection of its own when the host allows no further session of this login (sshd_config(5), MaxSessions).</remarks>
internal sealed class SshLogin(RemoteAddress address, Func<RemoteCommand, Action?, RemoteStream> start) : IDisposable
{
    // ssh binds the socket under a name that is 17 characters longer, and renames it. sun_path has 108 bytes (unix(7)).
    private const int LongestControlPath = 108 - 1 - 17;

    // For an owner that does not dispose: nothing outlives its use for long.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Lock _lock = new();
    private DirectoryInfo? _folder;
    private RemoteStream? _login;
    private Timer? _idle;
    private int _uses;
    private bool _disposed;

    /// <summary>What the ssh of the login wrote to its standard error.</summary>
    public string Errors => _login?.Errors ?? "";

    /// <summary>How far a login came that was cancelled: a clause that says what the host has not done.</summary>
    public string StalledAt { get; private set; } = SshProgress.StalledAt("");

    /// <summary>Logs in, unless that has happened, and starts a connection.</summary>
    /// <returns>The connection; or the login itself, ended, when it failed.</returns>
    public async ValueTask<RemoteStream> StartAsync(RemoteCommand command, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_login is null || _login.HasEnded())
            {
                End();
                if (await LogInAsync(cancellationToken).ConfigureAwait(false) is { } failed)
                {
                    return failed;
                }
            }

            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                RemoteStream stream = start(_folder is null ? command.Alone() : command.Sharing(ControlPath(_folder)), Leave);
                _uses++;
                return stream;
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _idle?.Dispose();
        }

        End();
    }

    private static string ControlPath(DirectoryInfo folder) => Path.Combine(folder.FullName, "c");

    private async ValueTask<RemoteStream?> LogInAsync(CancellationToken cancellationToken)
    {
        // Created with mode 0700.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ocb-ssh-");
        string control = ControlPath(folder);
        RemoteStream? login = null;
        try
        {
            if (Encoding.UTF8.GetByteCount(control) > LongestControlPath || control.Contains('%'))
            {
                // $TMPDIR is too long, or has what ssh replaces: each connection logs in.
                Remove(folder);
                return null;
            }

            login = start(RemoteCommand.Login(address, control), null);
            while (!File.Exists(control))
            {
                if (login.HasEnded())
                {
                    Remove(folder);
                    await login.PeekAsync(cancellationToken).ConfigureAwait(false);
                    return login;
                }

                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            StalledAt = SshProgress.StalledAt(login?.Details ?? "");
            login?.Dispose();
            Remove(folder);
            throw;
        }

        lock (_lock)
        {
            (_login, _folder) = (login, folder);
            if (!_disposed)
            {
                _idle ??= new Timer(static login => ((SshLogin)login!).EndWhenIdle(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                return null;
            }
        }

        End();
        return null;
    }

    // Runs on the timer's thread, too, where an exception would end the process. What remains is an empty directory, or a socket of nobody.
    private static void Remove(DirectoryInfo folder)
    {
        try
        {
            TreeRemoval.Remove(folder.FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The connection itself has its own result.
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            if (--_uses == 0 && !_disposed)
            {
                _idle?.Change(IdleTime, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void EndWhenIdle()
    {
        // A connection that is being made holds the semaphore, and uses the login soon.
        if (!_one.Wait(0))
        {
            return;
        }

        try
        {
            lock (_lock)
            {
                if (_uses > 0)
                {
                    return;
                }
            }

            End();
        }
        finally
        {
            _one.Release();
        }
    }

    private void End()
    {
        RemoteStream? login;
        DirectoryInfo? folder;
        lock (_lock)
        {
            (login, folder) = (_login, _folder);
            (_login, _folder) = (null, null);
        }

        login?.Dispose();
        if (folder is not null)
        {
            Remove(folder);
        }
    }
}
