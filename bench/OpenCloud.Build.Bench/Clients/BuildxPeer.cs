using System.Text.Json;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>docker with its buildx plugin: PATH's, else Debian's packages, unpacked by the fixture.</summary>
internal sealed class BuildxPeer
{
    private const string DockerCliSet = "docker-cli";

    private readonly string _docker;
    private readonly string _builder;
    private readonly Dictionary<string, string> _environment;

    private BuildxPeer(string docker, string? plugins, BenchEngine engine, string scratch)
    {
        // A configuration of its own: nothing of the user's is read or written.
        string configuration = Path.Join(scratch, "docker");
        Directory.CreateDirectory(configuration);
        File.WriteAllText(
            Path.Join(configuration, "config.json"),
            JsonSerializer.Serialize(new { cliPluginsExtraDirs = plugins is null ? [] : new[] { plugins } }));
        _docker = docker;
        _environment = new()
        {
            ["DOCKER_CONFIG"] = configuration,
            // buildctl and this project ask for no attestations; neither does this.
            ["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1",
        };
        if (engine.DockerHost is { } host)
        {
            _environment["DOCKER_HOST"] = host;
            _builder = "default";
        }
        else
        {
            _builder = "bench";
        }
    }

    /// <summary>The peer, ready to build on the engine; null with a reason when there is none.</summary>
    public static BuildxPeer? TryCreate(BenchEngine engine, string scratch, out string? reason)
    {
        foreach ((string Docker, string? Plugins) candidate in Candidates())
        {
            BuildxPeer peer = new(candidate.Docker, candidate.Plugins, engine, scratch);
            try
            {
                _ = peer.Command("buildx", "version").Capture();
                if (engine.DockerHost is null)
                {
                    _ = peer.Command("buildx", "create", "--driver", "remote", "--name", peer._builder, engine.Address).Capture();
                }

                reason = null;
                return peer;
            }
            catch (BenchException)
            {
                // PATH's docker without the plugin; Debian's comes next.
            }
        }

        reason = $"no docker with buildx on PATH, and the fixture could not get one ({DockerCliSet})";
        return null;
    }

    /// <summary>Its client.</summary>
    public ProcessClient CreateClient(string scratch) => new(
        "buildx",
        $"docker buildx {BuildxVersion()} (docker {DockerVersion()})",
        isPeer: true,
        scratch,
        context => ContextFolder.IsGraph(context)
            ? Command("buildx", "bake", "--builder", _builder, "--progress", "plain", "--allow", "fs.read=*", "--file", context)
            : Command("buildx", "build", "--builder", _builder, "--progress", "plain", "--output", "type=image", "--tag", IBenchClient.Image, context),
        buildsGraphs: true);

    /// <summary>Its way to empty the engine's cache.</summary>
    public EngineCache Cache() => new(
        Command("buildx", "prune", "--builder", _builder, "--all", "--force"),
        Command("buildx", "du", "--builder", _builder));

    /// <summary>The Docker Engine's version.</summary>
    public string EngineVersion() => "Docker Engine " + Command("version", "--format", "{{.Server.Version}}").CaptureLine();

    private static IEnumerable<(string Docker, string? Plugins)> Candidates()
    {
        if (Programs.Find("docker") is { } docker)
        {
            yield return (docker, null);
        }

        if (!File.Exists(Programs.Fixture))
        {
            yield break;
        }

        string[] lines;
        try
        {
            // One line a package: its name, its version, its folder.
            lines = new CommandLine(Programs.Fixture, ["get", DockerCliSet]).Capture().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (BenchException)
        {
            yield break;
        }

        Dictionary<string, string> folders = lines.Select(line => line.Split(' ')).ToDictionary(fields => fields[0].Split('/')[^1], fields => fields[^1]);
        yield return (
            Path.Join(folders["docker-cli"], "usr/bin/docker"),
            Path.Join(folders["docker-buildx"], "usr/libexec/docker/cli-plugins"));
    }

    // "Docker version 28.5.2+dfsg4, build …": unlike `docker version`, this asks no engine.
    private string DockerVersion() => Command("--version").CaptureLine().Split(' ', ',').ElementAtOrDefault(2) ?? "?";

    private CommandLine Command(params string[] arguments) => new(_docker, arguments, _environment);

    // "github.com/docker/buildx 0.29.1+ds1 0.29.1+ds1-4"
    private string BuildxVersion() => Command("buildx", "version").CaptureLine().Split(' ').ElementAtOrDefault(1) ?? "?";
}
