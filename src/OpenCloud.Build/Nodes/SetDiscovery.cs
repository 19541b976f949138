using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Nodes;

/// <summary>Builds a group of a set on the engine that the search finds, where no node of the default engine can be reached: without the caches of that engine.</summary>
internal sealed class SetDiscovery(IEngineBuilder engines, BuildKitEngine engine, CheckedBuild first)
{
    public async Task<SetAttempt> FindAsync(IReadOnlyDictionary<string, ImageBuildRequest> requests, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        poster.Verbose($"{string.Join(", ", requests.Keys)}: no node of the engine '{engine.Name}' can be reached.");
        bool isOfFirstPlace = (await engines.ConnectAsync(null, first.Connect, poster, cancellationToken).ConfigureAwait(false)).IsOfFirstPlace;
        return new SetAttempt(null, static build => build, isOfFirstPlace ? requests : requests.ToDictionary(static r => r.Key, r => Elsewhere(r.Key, r.Value), StringComparer.Ordinal), null);
    }

    private ImageBuildRequest Elsewhere(string name, ImageBuildRequest request) => first.SetElsewhere?.GetValueOrDefault(name) is { } elsewhere
        ? request with { CacheFrom = elsewhere.CacheFrom, CacheTo = request.CacheTo.Count > 0 ? elsewhere.CacheTo : [] }
        : request;
}
