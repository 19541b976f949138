using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>BuildKit's own client.</summary>
internal static class BuildctlPeer
{
    /// <summary>A client for one buildctl.</summary>
    public static ProcessClient Create(string name, string program, BenchWay way, string scratch) => new(
        name,
        $"buildctl {VersionOf(program)} {way.Title}".TrimEnd(),
        isPeer: true,
        scratch,
        context => new CommandLine(program,
        [
            "--addr", way.Address, .. way.Certificates is { } certificates ? (string[])["--tlsdir", certificates] : [], "build", "--progress", "plain", "--frontend", "dockerfile.v0",
            "--output", "type=image,name=" + IBenchClient.Image, "--local", "context=" + context, "--local", "dockerfile=" + context,
        ],
        way.Environment),
        way: way.Name);

    /// <summary>Its way to empty the engine's cache.</summary>
    public static EngineCache Cache(string program, BenchEngine engine) => new(
        new CommandLine(program, ["--addr", engine.Address, "prune", "--all"]),
        new CommandLine(program, ["--addr", engine.Address, "du"]));

    /// <summary>The daemon's version, if it tells.</summary>
    public static string EngineVersion(string program, BenchEngine engine)
    {
        try
        {
            // "BuildKit:   github.com/moby/buildkit v0.32.2 991535e…"
            return "buildkitd " + new CommandLine(program, ["--addr", engine.Address, "debug", "info"]).Capture().Split('\n')[0]
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
        }
        catch (BenchException)
        {
            return "buildkitd of unknown version";
        }
    }

    // "buildctl github.com/moby/buildkit v0.32.2 991535e…"
    private static string VersionOf(string program) =>
        new CommandLine(program, ["--version"]).Capture().Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(2) ?? "?";
}
