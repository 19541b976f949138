using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Daemonless;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Hosts;

/// <summary>One build, or a set of them, on its own engine, which starts and stops with it.</summary>
internal static class DaemonlessBuild
{
    /// <summary>The time a stopped build has to stop its engine as well.</summary>
    public static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<ImageBuildResult> RunAsync(CheckedBuild build, IImageBuilder builder, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        ImageBuildResult? result = null;
        await RunAsync(
            builder,
            async address => result = await builder.BuildAsync(build with { Address = address }, poster, cancellationToken).ConfigureAwait(false),
            poster,
            cancellationToken).ConfigureAwait(false);
        return result!;
    }

    /// <summary>Runs one or more builds of a builder on one engine.</summary>
    public static async Task RunAsync(IImageBuilder builder, Func<EngineAddress, Task> run, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        poster.Progress(new ProgressSnapshot("Starting an engine", "a buildkitd for this build"));
        PrivateEngine engine;
        try
        {
            engine = await PrivateEngine.StartAsync(null, EngineProbes.AskAsync, Patience, cancellationToken).ConfigureAwait(false);
        }
        catch (HostException failure)
        {
            throw HostErrors.From(failure);
        }

        await using (engine.ConfigureAwait(false))
        {
            poster.Verbose($"A buildkitd (process {engine.ProcessId}) serves this build at {engine.Address}.");
            try
            {
                await run(EngineAddress.Parse(engine.Address)).ConfigureAwait(false);
            }
            finally
            {
                // The engine waits for open calls before it ends, and nothing must use it afterward.
                await builder.DisconnectAsync().ConfigureAwait(false);
            }
        }
    }
}
