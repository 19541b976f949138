using System.Collections.Concurrent;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Registries by the distribution API: connections and tokens are kept for its life. Safe for concurrent use.</summary>
/// <remarks>opencontainers/distribution-spec, spec.md; distribution, docs/spec/api.md.</remarks>
internal sealed class RegistryClient(RegistryOptions options) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<RegistryConnection>>> _hosts = new(StringComparer.OrdinalIgnoreCase);

    public RegistryOptions Options { get; } = options;

    /// <summary>The repository of a reference.</summary>
    public RegistryRepository Repository(ImageReference reference) => new(Connections(reference.Domain), reference.Domain, reference.Path, Options);

    /// <summary>Finds out that a registry answers and accepts the credentials; gives its endpoint's host.</summary>
    /// <exception cref="RegistryException">It does not.</exception>
    public async Task<string> PingAsync(string host, CancellationToken cancellationToken)
    {
        RegistryConnection connection = Connections(host)[^1];
        await connection.PingAsync(cancellationToken).ConfigureAwait(false);
        return connection.Host;
    }

    public void Dispose()
    {
        foreach (RegistryConnection connection in _hosts.Values.Where(static h => h.IsValueCreated).SelectMany(static h => h.Value))
        {
            connection.Dispose();
        }
    }

    private IReadOnlyList<RegistryConnection> Connections(string host) => _hosts.GetOrAdd(
        host,
        name => new Lazy<IReadOnlyList<RegistryConnection>>(() => [.. Options.Settings.EndpointsOf(name, Options.AllowInsecure).Select(e => new RegistryConnection(e, Options))])).Value;
}
