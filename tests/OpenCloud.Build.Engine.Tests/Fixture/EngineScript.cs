using System.Globalization;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary><c>tests/fixture/engine</c>, which brings up real engines for everything in this repository.</summary>
internal static class EngineScript
{
    private static readonly string Script = FixtureScript.PathOf("engine");

    // Packages may have to be downloaded; nothing else that the script does takes more than a minute.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Starts an engine, which ends with this process at the latest.</summary>
    /// <param name="name">One of <see cref="EngineNames"/>.</param>
    /// <param name="insecure">Whether builds on it may have the entitlement security.insecure.</param>
    /// <param name="environment">Variables for its daemons.</param>
    public static async Task<RunningEngine> UpAsync(string name, bool insecure = false, IReadOnlyDictionary<string, string?>? environment = null)
    {
        string owner = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        string output = await RunAsync(environment, ["up", "--owner", owner, .. insecure ? ["--insecure"] : Array.Empty<string>(), name]);
        Dictionary<string, string> fields = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        return new RunningEngine
        {
            Name = name,
            Address = fields["address"],
            Folder = fields["folder"],
            ProcessId = int.Parse(fields["pid"], CultureInfo.InvariantCulture),
            DockerSocket = fields.GetValueOrDefault("docker"),
            ContainerdSocket = fields["containerd"],
            LogPath = fields["log"],
            SearchPath = fields["path"],
        };
    }

    /// <summary>Ends an engine that <see cref="UpAsync"/> started and removes all it left.</summary>
    public static Task DownAsync(RunningEngine engine)
    {
        return RunAsync(null, "down", engine.Folder ?? throw new ArgumentException("not started by the fixture", nameof(engine)));
    }

    /// <summary>The arguments that run a program inside an engine's namespaces: its network, mounts and processes.</summary>
    public static (string Program, IReadOnlyList<string> Arguments) Inside(RunningEngine engine, params string[] command)
    {
        string folder = engine.Folder ?? throw new ArgumentException("not started by the fixture", nameof(engine));
        return (Script, ["exec", folder, .. command]);
    }

    /// <summary>Puts a proxy with mutual TLS before a socket, on loopback, until the engine ends.</summary>
    /// <param name="engine">An engine that this script started.</param>
    /// <param name="program">haproxy or stunnel.</param>
    /// <param name="socket">The socket.</param>
    /// <param name="certificates">A directory with ca.pem, cert.pem and key.pem.</param>
    /// <returns>Its port, and the proxy's process.</returns>
    public static async Task<(int Port, int ProcessId)> ProtectAsync(RunningEngine engine, string program, string socket, string certificates)
    {
        string folder = engine.Folder ?? throw new ArgumentException("not started by the fixture", nameof(engine));
        string output = await RunAsync(null, "tls", folder, program, socket, $"port={certificates},mutual");
        Dictionary<string, int> fields = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split('=', 2))
            .ToDictionary(static pair => pair[0], static pair => int.Parse(pair[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);
        return (fields["port"], fields["pid"]);
    }

    /// <summary>Unpacks a set of packages if need be.</summary>
    /// <returns>The folder each package was unpacked to, by the package's name.</returns>
    public static async Task<IReadOnlyDictionary<string, string>> GetAsync(string set)
    {
        // A line is: suite/package version folder; the folder may hold spaces.
        string output = await RunAsync(null, "get", set);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 3))
            .ToDictionary(line => line[0].Split('/')[1], line => line[2], StringComparer.Ordinal);
    }

    private static async Task<string> RunAsync(IReadOnlyDictionary<string, string?>? environment, params string[] arguments)
    {
        CommandResult result = await Command.RunAsync(Script, arguments, environment, limit: Limit);
        if (result.ExitCode == FixtureScript.CannotHere)
        {
            throw new EngineUnavailableException(result.Error.Trim());
        }

        return result.Succeeded();
    }
}
