using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Daemonless;

/// <summary>
/// A buildkitd of one's own, for one build: its socket and its state lie in a folder only the caller can enter, and both are gone
/// when it is disposed of. As root it runs as it is; otherwise under rootlesskit (as BuildKit's examples/buildctl-daemonless does).
/// </summary>
public sealed class PrivateEngine : IAsyncDisposable
{
    private const int LogLines = 12;

    private readonly Process _process;
    private readonly string _folder;
    private readonly Queue<string> _log = new();

    private PrivateEngine(Process process, string folder)
    {
        _process = process;
        _folder = folder;
    }

    /// <summary>Where it listens: <c>unix:///…</c>.</summary>
    public string Address => $"unix://{SocketPath}";

    /// <summary>Its process.</summary>
    public int ProcessId => _process.Id;

    private string SocketPath => Path.Combine(_folder, "buildkitd.sock");

    /// <summary>Starts one and returns when it answers.</summary>
    /// <param name="program">buildkitd; null for the one on the system's path.</param>
    /// <param name="probe">Asks it over gRPC.</param>
    /// <param name="patience">How long it may take to answer.</param>
    /// <param name="cancellationToken">Stops it again.</param>
    /// <exception cref="HostException">There is none, or it does not answer; nothing is left running.</exception>
    public static async Task<PrivateEngine> StartAsync(string? program, EngineProbe probe, TimeSpan patience, CancellationToken cancellationToken)
    {
        var daemon = program ?? HostCommand.Find("buildkitd", alsoOnPath: true)
            ?? throw new HostException(HostErrorKind.NotFound, "There is no buildkitd on this machine.", "Install-BuildKit puts one there; on a host without systemd it installs the programs only.", "buildkitd");
        if (!File.Exists(daemon))
        {
            throw new HostException(HostErrorKind.NotFound, $"There is no '{daemon}'.", target: daemon);
        }

        var root = Identity.Current().Uid == 0;
        var rootlesskit = root ? null : HostCommand.Find("rootlesskit", alsoOnPath: true)
            ?? throw new HostException(HostErrorKind.NotFound, "Without root, buildkitd needs rootlesskit, which is not on this machine.", "Install the packages rootlesskit and uidmap, or run as root.", "rootlesskit");

        var folder = Directory.CreateTempSubdirectory("opencloud-build-").FullName;
        var engine = Launch(daemon, rootlesskit, folder);
        try
        {
            await engine.AnswersAsync(probe, patience, cancellationToken).ConfigureAwait(false);
            return engine;
        }
        catch
        {
            await engine.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops it, kindly at first, and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                const int SigTerm = 15;
                _ = LinuxCalls.Signal(_process.Id, SigTerm);
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
                try
                {
                    await _process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    _process.Kill(entireProcessTree: true);
                    await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _process.Dispose();
            RemoveFolder();
        }
    }

    private static PrivateEngine Launch(string daemon, string? rootlesskit, string folder)
    {
        // A session of its own: Ctrl+C at the terminal is for the build, which then tells the engine.
        var start = new ProcessStartInfo("setsid")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = folder,
        };
        if (rootlesskit is not null)
        {
            start.ArgumentList.Add(rootlesskit);
        }

        start.ArgumentList.Add(daemon);
        var settings = Path.Combine(folder, "buildkitd.toml");
        File.WriteAllText(settings, string.Empty);
        string[] arguments =
        [
            "--config", settings,
            "--root", Path.Combine(folder, "root"),
            "--addr", "unix://" + Path.Combine(folder, "buildkitd.sock"),
            "--otel-socket-path", Path.Combine(folder, "otel.sock"),
            "--containerd-worker=false",
            "--oci-worker=true",
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // Its runc lies beside it in a release.
        start.Environment["PATH"] = $"{Path.GetDirectoryName(Path.GetFullPath(daemon))}:{Environment.GetEnvironmentVariable("PATH")}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment.Remove("NOTIFY_SOCKET");
        start.Environment.Remove("LISTEN_FDS");
        var process = Process.Start(start) ?? throw new HostException(HostErrorKind.CommandFailed, $"'{daemon}' cannot be started.", target: daemon);
        var engine = new PrivateEngine(process, folder);
        process.StandardInput.Close();
        process.OutputDataReceived += engine.Note;
        process.ErrorDataReceived += engine.Note;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return engine;
    }

    private async Task AnswersAsync(EngineProbe probe, TimeSpan patience, CancellationToken cancellationToken)
    {
        var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        var trouble = "it did not make its socket";
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_process.HasExited)
            {
                throw Silent($"The private buildkitd ended with {_process.ExitCode} instead of listening");
            }

            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(TimeSpan.FromSeconds(10));
                var answer = await probe(new NetworkStream(UnixSocket.Connect(SocketPath, UnixSocket.Patience, limit.Token), ownsSocket: true), limit.Token).ConfigureAwait(false);
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

        return new HostException(HostErrorKind.EngineSilent, $"{what}.{(log.Length > 0 ? "\n" + log : string.Empty)}", "In a container it needs --privileged, or rootlesskit with its seccomp and AppArmor profiles unconfined.");
    }

    private void Note(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
        {
            return;
        }

        lock (_log)
        {
            _log.Enqueue(line.Data);
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
            Directory.Delete(_folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without root, files of other (sub)ids are in the snapshots: only inside the user namespace are they ours to remove.
            if (HostCommand.Find("rootlesskit", alsoOnPath: true) is { } rootlesskit)
            {
                HostCommand.Run(rootlesskit, ["rm", "-rf", "--", _folder]);
            }
        }
    }
}
