namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Debian's docker command with buildx: the peer that this client is compared with.</summary>
public sealed class PeerClient : IDisposable
{
    private readonly ContextFolder _configuration;
    private readonly string _docker;
    private readonly Dictionary<string, string?> _environment;

    private PeerClient(string docker, string buildx, RunningEngine engine)
    {
        _docker = docker;
        _configuration = new ContextFolder();
        _configuration.Write("config.json", $$"""{"cliPluginsExtraDirs":["{{Path.GetDirectoryName(buildx)}}"]}""");
        _environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["DOCKER_HOST"] = "unix://" + engine.DockerSocket,
            ["DOCKER_CONFIG"] = _configuration.Path,
            ["DOCKER_CONTEXT"] = null,
            ["BUILDX_BUILDER"] = null,
        };
    }

    /// <summary>Unpacks the client if need be. Skips the test where it cannot be had.</summary>
    public static async Task<PeerClient> CreateAsync(RunningEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        try
        {
            IReadOnlyDictionary<string, string> packages = await EngineScript.GetAsync("docker-cli");
            return new PeerClient(
                Path.Combine(packages["docker-cli"], "usr", "bin", "docker"),
                Path.Combine(packages["docker-buildx"], "usr", "libexec", "docker", "cli-plugins", "docker-buildx"),
                engine);
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }
    }

    /// <summary>Runs <c>docker</c> against the engine.</summary>
    /// <returns>What it printed on both streams.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public async Task<string> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        CommandResult result = await Command.RunAsync(_docker, arguments, _environment, cancellationToken);
        return result.Succeeded() + result.Error;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _configuration.Dispose();
    }
}
