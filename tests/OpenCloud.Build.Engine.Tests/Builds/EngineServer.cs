using System.Diagnostics;
using System.Globalization;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>A server that an engine reaches on its own loopback: busybox's for HTTP, git's own for git.</summary>
internal sealed class EngineServer : IAsyncDisposable
{
    private readonly Process _process;

    private EngineServer(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    /// <summary>Its port on 127.0.0.1, as the engine sees it.</summary>
    public int Port { get; }

    /// <summary>Serves the files of a folder over HTTP.</summary>
    public static async Task<EngineServer> HttpAsync(RunningEngine engine, string folder)
    {
        string busybox = await EngineFixture.GetBusyboxAsync();
        return await StartAsync(engine, port => [busybox, "httpd", "-f", "-p", $"127.0.0.1:{port}", "-h", folder]);
    }

    /// <summary>Serves the repositories below a folder over git's own protocol.</summary>
    public static Task<EngineServer> GitAsync(RunningEngine engine, string folder) =>
        StartAsync(engine, port => ["git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", $"--port={port}", $"--base-path={folder}", folder]);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static async Task<EngineServer> StartAsync(RunningEngine engine, Func<int, string[]> command)
    {
        for (int attempt = 0; ; attempt++)
        {
            int port = Random.Shared.Next(20000, 60000);
            string[] words = command(port);
            (string program, IReadOnlyList<string> arguments) = engine.Folder is null ? (words[0], words[1..]) : EngineScript.Inside(engine, words);
            ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };

            // Its user is root, and the folders of tests belong to whoever runs them.
            start.Environment["GIT_CONFIG_COUNT"] = "1";
            start.Environment["GIT_CONFIG_KEY_0"] = "safe.directory";
            start.Environment["GIT_CONFIG_VALUE_0"] = "*";
            Process process = Process.Start(start)!;
            if (await ListensAsync(engine, process, port))
            {
                return new EngineServer(process, port);
            }

            string error = process.HasExited ? await process.StandardError.ReadToEndAsync() : "it does not listen";
            if (attempt == 3)
            {
                throw new InvalidOperationException($"{words[0]} did not start on port {port}: {error}");
            }
        }
    }

    // The kernel's own table says it, with nothing connected to.
    private static async Task<bool> ListensAsync(RunningEngine engine, Process process, int port)
    {
        string local = ":" + port.ToString("X4", CultureInfo.InvariantCulture) + " 00000000:0000 0A";
        Stopwatch clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(10) && !process.HasExited)
        {
            string[] look = ["cat", "/proc/net/tcp"];
            (string program, IReadOnlyList<string> arguments) = engine.Folder is null ? (look[0], look[1..]) : EngineScript.Inside(engine, look);
            if ((await Command.RunAsync(program, arguments)).Output.Contains(local, StringComparison.Ordinal))
            {
                return true;
            }

            await Task.Delay(20);
        }

        return false;
    }
}
