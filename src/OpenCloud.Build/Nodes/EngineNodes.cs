using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Nodes;

/// <summary>Named engines and their nodes.</summary>
internal static class EngineNodes
{
    /// <summary>The engines that an address means, with the options for each: those of a name, else the address itself.</summary>
    /// <exception cref="BuildErrorException">No engine has the name, or the file of named engines cannot be used.</exception>
    public static IReadOnlyList<(EngineAddress Address, EngineConnectOptions Options)> Of(EngineAddress address, EngineConnectOptions options) => Guarded<IReadOnlyList<(EngineAddress, EngineConnectOptions)>>(() =>
        address.Name is null ? [(address, options)] : [.. NamedNodes.Of(NamedNodes.Find(address, options), options).Select(static n => (n.Address, n.Options))]);

    /// <summary>The named engine of an address, of the variable BUILDKIT_HOST, or the default one; null for none.</summary>
    /// <exception cref="BuildErrorException">No engine has the name, or the file of named engines cannot be used.</exception>
    public static BuildKitEngine? Find(EngineAddress? address, EngineConnectOptions options)
    {
        if (address is not null)
        {
            return address.Name is null ? null : Guarded(() => NamedNodes.Find(address, options));
        }

        NamedEngineStore store = new(options.GetEnvironmentVariable);
        try
        {
            return options.GetEnvironmentVariable("BUILDKIT_HOST")?.Trim() is not { Length: > 0 } set ? store.FindDefault()
                : EngineAddress.TryParse(set, out EngineAddress? parsed) ? parsed.Name is { } name ? store.Find(name) : null
                : store.Find(set);
        }
        catch (NamedEngineException)
        {
            // The search for the engine reports it, and goes on.
            return null;
        }
    }

    /// <summary>The request with the caches of the engine, where it names none.</summary>
    /// <exception cref="BuildErrorException">A cache in the file of named engines is invalid.</exception>
    public static ImageBuildRequest WithCaches(ImageBuildRequest request, BuildKitEngine? engine) => engine is null ? request : request with
    {
        CacheFrom = request.CacheFrom.Count > 0 ? request.CacheFrom : Parse(engine, engine.CacheFrom),
        CacheTo = request.CacheTo.Count > 0 ? request.CacheTo : Parse(engine, engine.CacheTo),
    };

    private static IReadOnlyList<BuildCache> Parse(BuildKitEngine engine, IReadOnlyList<string> caches)
    {
        try
        {
            return [.. caches.Select(BuildCache.Parse)];
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw ErrorCatalog.EngineFileInvalid.ToException(engine.Name, exception, $"The engine '{engine.Name}' has a cache that cannot be used: {exception.Message}");
        }
    }

    private static T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (EngineConnectException exception)
        {
            throw EngineErrors.From(exception);
        }
    }
}
