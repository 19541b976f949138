using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Debian's docker-registry with a user and a password, on the loopback of an engine's own network.</summary>
public sealed class RegistryServer : IAsyncDisposable
{
    /// <summary>The user.</summary>
    public const string UserName = "builder";

    /// <summary>The password.</summary>
    public const string Password = "pass word:1";

    // The password above as htpasswd would write it (bcrypt).
    private const string PasswordLine = UserName + ":$2b$05$abcdefghijklmnopqrstuusWsnA3PCG6MJhsuMdaZgkE21cQMslZi\n";

    private static int _nextPort = 5100;

    private readonly ContextFolder _folder;
    private readonly Process _process;

    private RegistryServer(ContextFolder folder, Process process, int port)
    {
        _folder = folder;
        _process = process;
        Host = $"127.0.0.1:{port}";
    }

    /// <summary>Its host and port, as references name it.</summary>
    public string Host { get; }

    /// <summary>All it has written to its log, requests among it.</summary>
    public string Log
    {
        get
        {
            using FileStream file = new(_folder.At("log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using StreamReader reader = new(file);
            return reader.ReadToEnd();
        }
    }

    /// <summary>Whether it keeps a tag; read from its files, past its own service.</summary>
    public bool HasTag(string repository, string tag) => File.Exists(_folder.At($"data/docker/registry/v2/repositories/{repository}/_manifests/tags/{tag}/current/link"));

    /// <summary>Starts it where an engine can reach it, with a password to be given to itself. Skips the test where it cannot be had.</summary>
    public static Task<RegistryServer> StartAsync(RunningEngine engine, CancellationToken cancellationToken) =>
        StartAsync(engine, static folder => $$"""{"htpasswd": {"realm": "test", "path": "{{folder.At("htpasswd")}}"} }""", cancellationToken);

    /// <summary>Starts it with tokens of a service's in place of a password.</summary>
    /// <param name="engine">The engine that shall reach it.</param>
    /// <param name="realm">Where it says that tokens are had.</param>
    /// <param name="tokens">The service whose tokens it takes.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    internal static Task<RegistryServer> StartAsync(RunningEngine engine, string realm, TokenServer tokens, CancellationToken cancellationToken) =>
        StartAsync(
            engine,
            folder =>
            {
                folder.Write("tokens.pem", tokens.Pem);
                return $$"""{"token": {"realm": "{{realm}}", "service": "{{TokenServer.Service}}", "issuer": "{{TokenServer.Issuer}}", "rootcertbundle": "{{folder.At("tokens.pem")}}"} }""";
            },
            cancellationToken);

    private static async Task<RegistryServer> StartAsync(RunningEngine engine, Func<ContextFolder, string> authentication, CancellationToken cancellationToken)
    {
        string program;
        try
        {
            program = Path.Combine((await EngineScript.GetAsync("registry"))["docker-registry"], "usr", "bin", "docker-registry");
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }

        int port = engine.Folder is null ? FreePort() : Interlocked.Increment(ref _nextPort);
        ContextFolder folder = new();
        folder.Write("htpasswd", PasswordLine);
        folder.Write("config.yml", string.Create(CultureInfo.InvariantCulture, $$"""
            version: 0.1
            log: {"level": "info"}
            storage: {"filesystem": {"rootdirectory": "{{folder.At("data")}}"} }
            http: {"addr": "127.0.0.1:{{port}}"}
            auth: {{authentication(folder)}}
            """));
        (string command, IReadOnlyList<string> arguments) = engine.Folder is null
            ? ("sh", (IReadOnlyList<string>)["-c", "exec \"$1\" serve \"$2\" 2>\"$3\"", "sh", program, folder.At("config.yml"), folder.At("log")])
            : EngineScript.Inside(engine, "sh", "-c", "exec \"$1\" serve \"$2\" 2>\"$3\"", "sh", program, folder.At("config.yml"), folder.At("log"));
        folder.Write("log", string.Empty);
        Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        RegistryServer server = new(folder, process, port);
        while (!server.Log.Contains("listening on", StringComparison.Ordinal))
        {
            Assert.False(process.HasExited, $"the registry did not start:\n{(process.HasExited ? server.Log : "")}");
            await Task.Delay(20, cancellationToken);
        }

        return server;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
