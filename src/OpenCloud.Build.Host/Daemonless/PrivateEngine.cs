using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Host.Daemonless;

/// <summary>
/// A private buildkitd for one build. Its socket and its state lie in a folder only the caller can enter, and disposal removes
/// both. As root it runs directly; otherwise under rootlesskit (as BuildKit's examples/buildctl-daemonless does).
/// </summary>
public sealed class PrivateEngine : IAsyncDisposable
{
    private const int LogLines = 12;

    private const int LongestLine = 16 << 10;

    // Receives the engine's log, during and after the start.
    private readonly Queue<string> _log = new();
    private readonly RunningProgram _program;
    private readonly string _folder;

    private PrivateEngine(ProgramCommand command, string folder)
    {
        _folder = folder;
        _program = RunningProgram.Start(command, Note);
    }

    /// <summary>Its address: <c>unix:///…</c>.</summary>
    public string Address => $"unix://{SocketPath}";

    /// <summary>The id of its process.</summary>
    public int ProcessId => _program.ProcessId;

    private string SocketPath => Path.Combine(_folder, "buildkitd.sock");

    /// <summary>Starts an engine and returns when it answers.</summary>
    /// <param name="program">The path of buildkitd; null for the one on the system's path.</param>
    /// <param name="probe">Queries the engine over gRPC.</param>
    /// <param name="timeout">How long the engine may take to answer.</param>
    /// <param name="cancellationToken">Stops the start and the engine.</param>
    /// <exception cref="HostException">There is no buildkitd, or it does not answer; no process is left running.</exception>
    public static async Task<PrivateEngine> StartAsync(string? program, EngineProbe probe, TimeSpan timeout, CancellationToken cancellationToken)
    {
        string daemon = program ?? HostCommand.Find("buildkitd", alsoOnPath: true)
            ?? throw new HostException(HostErrorKind.NotFound, "buildkitd is not installed on this machine.", "Run Install-BuildKit. On a host without systemd, it installs only the programs.", "buildkitd");
        daemon = Path.GetFullPath(daemon);
        if (!File.Exists(daemon))
        {
            throw new HostException(HostErrorKind.NotFound, $"The program '{daemon}' does not exist.", target: daemon);
        }

        bool root = Identity.Current().Uid == 0;
        string? rootlesskit = root ? null : HostCommand.Find("rootlesskit", alsoOnPath: true)
            ?? throw new HostException(HostErrorKind.NotFound, "Without root, buildkitd requires rootlesskit, which is not installed on this machine.", "Install the packages rootlesskit and uidmap, or run as root.", "rootlesskit");

        string folder = Directory.CreateTempSubdirectory("opencloud-build-").FullName;
        PrivateEngine engine;
        try
        {
            engine = Launch(daemon, rootlesskit, folder);
        }
        catch (IOException failed)
        {
            TreeRemoval.Remove(folder);
            throw new HostException(HostErrorKind.CommandFailed, failed.Message, target: daemon);
        }

        try
        {
            await engine.AnswersAsync(probe, timeout, cancellationToken).ConfigureAwait(false);
            return engine;
        }
        catch
        {
            await engine.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops the engine, gracefully at first, and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _program.StopAsync(TimeSpan.FromSeconds(15)).ConfigureAwait(false);
        }
        finally
        {
            RemoveFolder();
        }
    }

    private static PrivateEngine Launch(string daemon, string? rootlesskit, string folder)
    {
        string settings = Path.Combine(folder, "buildkitd.toml");
        WholeFile.Write(settings, string.Empty, FileModes.OwnerFile);
        string[] arguments =
        [
            "--config", settings,
            "--root", Path.Combine(folder, "root"),
            "--addr", "unix://" + Path.Combine(folder, "buildkitd.sock"),
            "--otel-socket-path", Path.Combine(folder, "otel.sock"),
            "--containerd-worker=false",
            "--oci-worker=true",
        ];

        // In a release, runc lies beside buildkitd. If this process has NOTIFY_SOCKET and LISTEN_FDS, the engine must not get them.
        Dictionary<string, string> environment = ProgramEnvironment.Allowed(proxies: true);
        environment["PATH"] = string.Join(':', [Path.GetDirectoryName(daemon)!, environment["PATH"], ProgramFinder.SystemPath]);
        ProgramCommand command = rootlesskit is null
            ? new(daemon, arguments, environment)
            : new(rootlesskit, [daemon, .. arguments], environment);
        return new PrivateEngine(command with { Folder = folder, OutputLimit = LongestLine }, folder);
    }

    private async Task AnswersAsync(EngineProbe probe, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        string trouble = "it did not create its socket";
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_program.Ended is { IsCompleted: true } ended)
            {
                await _program.LastWordsAsync().ConfigureAwait(false);
                throw Silent($"The private buildkitd ended with {await ended.ConfigureAwait(false)} instead of listening");
            }

            try
            {
                using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(TimeSpan.FromSeconds(10));
                EngineAnswer answer = await probe(new NetworkStream(UnixSocket.Connect(SocketPath, UnixSocket.DefaultTimeout, limit.Token), ownsSocket: true), limit.Token).ConfigureAwait(false);
                if (answer.Workers.Count > 0)
                {
                    return;
                }

                throw Silent("The private buildkitd has no worker");
            }
            catch (Exception error) when (error is not HostException && !cancellationToken.IsCancellationRequested)
            {
                trouble = error.Message;
            }

            if (Environment.TickCount64 > deadline)
            {
                throw Silent($"The private buildkitd does not answer: {trouble}");
            }

            await Task.Delay(50, cancellationToken).ConfigureAwait(false);
        }
    }

    private HostException Silent(string what)
    {
        string log;
        lock (_log)
        {
            log = new StringBuilder().AppendJoin('\n', _log).ToString();
        }

        return new HostException(HostErrorKind.EngineSilent, $"{what}.{(log.Length > 0 ? "\n" + log : string.Empty)}", "In a container, use --privileged, or rootlesskit with unconfined seccomp and AppArmor profiles.");
    }

    private void Note(string line)
    {
        lock (_log)
        {
            _log.Enqueue(line);
            if (_log.Count > LogLines)
            {
                _log.Dequeue();
            }
        }
    }

    private void RemoveFolder()
    {
        try
        {
            TreeRemoval.Remove(_folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without root, the snapshots contain files of subordinate ids, which can be removed only inside the user namespace.
            if (HostCommand.Find("rootlesskit", alsoOnPath: true) is { } rootlesskit)
            {
                HostCommand.Run(rootlesskit, ["rm", "-rf", "--", _folder]);
            }
        }
    }
}
