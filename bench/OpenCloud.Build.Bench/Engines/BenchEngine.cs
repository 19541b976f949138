using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Engines;

/// <summary>The one engine that all clients build on.</summary>
internal abstract class BenchEngine : IDisposable
{
    /// <summary>The variable that names an engine which is there already.</summary>
    public const string AddressVariable = "OPENCLOUD_BUILD_TEST_ENGINE";

    private const string DockerScheme = "docker://";

    /// <summary>As <c>-Address</c> takes it.</summary>
    public abstract string Address { get; }

    /// <summary>The Docker Engine's socket as docker's own clients take it; null for a buildkitd.</summary>
    public string? DockerHost => Address.StartsWith(DockerScheme, StringComparison.Ordinal)
        ? "unix://" + Address[DockerScheme.Length..]
        : null;

    /// <summary>
    /// The engine at the address; without one, the engine of the environment; else a buildkitd of our own, because every peer can
    /// speak with it; else a Docker Engine of the fixture.
    /// </summary>
    public static BenchEngine Start(string? address, string? buildkitd, string scratch, string? certificates)
    {
        address ??= Environment.GetEnvironmentVariable(AddressVariable);
        if (!string.IsNullOrEmpty(address))
        {
            return new GivenEngine(address);
        }

        buildkitd ??= Programs.Find("buildkitd") ?? BesideBuildctl();
        return buildkitd is not null && Environment.IsPrivilegedProcess
            ? new OwnBuildkitd(buildkitd, scratch, certificates)
            : new FixtureEngine("docker-28");
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    private static string? BesideBuildctl() =>
        Programs.Find("buildctl") is { } buildctl && Path.Join(Path.GetDirectoryName(buildctl), "buildkitd") is var file && File.Exists(file)
            ? file
            : null;

    /// <summary>An engine of somebody else's, left running.</summary>
    private sealed class GivenEngine(string address) : BenchEngine
    {
        public override string Address => address;
    }

    /// <summary>An engine that tests/fixture/engine starts and, when this process is gone, ends.</summary>
    private sealed class FixtureEngine : BenchEngine
    {
        private readonly string _folder;

        public FixtureEngine(string name)
        {
            Dictionary<string, string> fields = new CommandLine(Programs.Fixture, ["up", "--owner", $"{Environment.ProcessId}", name]).Capture()
                .Split('\n').Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2)
                .ToDictionary(pair => pair[0], pair => pair[1]);
            _folder = fields["folder"];
            Address = fields["address"];
        }

        public override string Address { get; }

        public override void Dispose() => new CommandLine(Programs.Fixture, ["down", _folder]).Capture();
    }
}
