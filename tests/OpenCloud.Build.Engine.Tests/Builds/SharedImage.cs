using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>An image that the next build of an engine can name: in the engine's own store, or, where it keeps none, in a registry.</summary>
internal sealed class SharedImage : IAsyncDisposable
{
    private readonly RegistryServer? _registry;

    private SharedImage(string reference, RegistryServer? registry)
    {
        Reference = reference;
        _registry = registry;
    }

    /// <summary>Its name.</summary>
    public string Reference { get; }

    /// <summary>What the registry asks for.</summary>
    public IReadOnlyDictionary<string, RegistryCredential> Credentials => _registry is null
        ? new Dictionary<string, RegistryCredential>()
        : new Dictionary<string, RegistryCredential> { [_registry.Host] = new(RegistryServer.UserName, RegistryServer.Password) };

    /// <summary>Builds it.</summary>
    public static async Task<SharedImage> BuildAsync(RunningEngine engine, ContextFolder context, string name, CancellationToken cancellationToken)
    {
        RegistryServer? registry = engine.DockerSocket is null ? await RegistryServer.StartAsync(engine, cancellationToken) : null;
        SharedImage image = new(registry is null ? BuildRun.NewTag(name) : $"{registry.Host}/shared/{name}:1", registry);
        try
        {
            await BuildRun.RunAsync(
                engine,
                new() { ContextPath = context.Path, Tags = [image.Reference], Push = registry is not null, RegistryCredentials = image.Credentials },
                cancellationToken);
            return image;
        }
        catch
        {
            await image.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_registry is not null)
        {
            await _registry.DisposeAsync();
        }
    }
}
