using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Builds;

/// <summary>Builds on the engine that a build names, and asks engines about themselves. All calls share one connection to each.</summary>
internal interface IEngineBuilder : IImageBuilder
{
    /// <summary>Connects to an engine, once for all builds; null for the discovered one.</summary>
    /// <returns>Whether it is of the first place that is searched, which a setting or the default engine is; and the platforms that its worker reports, its own first.</returns>
    /// <exception cref="Errors.BuildErrorException">The engine cannot be reached, or refuses the call.</exception>
    public Task<(bool IsOfFirstPlace, IReadOnlyList<string> Platforms)> ConnectAsync(EngineAddress? address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken cancellationToken);

    /// <summary>How many builds the engine runs.</summary>
    /// <param name="address">The engine.</param>
    /// <param name="options">The options of the connection.</param>
    /// <param name="poster">Gets what the connection reports.</param>
    /// <param name="limit">Ends the question, and not the connection, which builds need.</param>
    /// <param name="cancellationToken">Cancels both.</param>
    public Task<int> CountRunningAsync(EngineAddress address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken limit, CancellationToken cancellationToken);

    /// <summary>Ends what the builds of a set share on their engine. None of them runs or begins any more.</summary>
    /// <param name="set">The requests, the same object that the builds had.</param>
    public ValueTask LeaveAsync(IReadOnlyDictionary<string, ImageBuildRequest> set);
}
