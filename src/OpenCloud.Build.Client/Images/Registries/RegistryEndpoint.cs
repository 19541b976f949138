namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>A server with a registry's contents: the registry itself, or a mirror.</summary>
/// <param name="Addresses">The base addresses to try in order, each ending in a slash, with the API's version.</param>
internal sealed record RegistryEndpoint(IReadOnlyList<Uri> Addresses)
{
    public string Host => Addresses[0].Authority;

    /// <summary>The registry's host that a mirror gets as <c>ns</c> of the query; null for the registry itself.</summary>
    public string? Namespace { get; init; }

    /// <summary>The registry as the user names it, which selects the credentials; null for a mirror, which has its own.</summary>
    public string? Registry { get; init; }

    public bool CanPull { get; init; } = true;

    public bool CanResolve { get; init; } = true;

    public bool CanPush { get; init; } = true;

    /// <summary>Whether the configuration allows credentials over plain HTTP and certificates that are not trusted.</summary>
    public bool IsInsecure { get; init; }

    public IReadOnlyList<string> Authorities { get; init; } = [];

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Headers { get; init; } = new Dictionary<string, IReadOnlyList<string>>();
}
