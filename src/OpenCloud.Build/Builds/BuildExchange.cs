using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Builds;

/// <summary>Outputs, caches, secrets, SSH agents and registries of a build, checked as far as that can be without an engine.</summary>
internal sealed record BuildExchange
{
    /// <summary>The outputs.</summary>
    public IReadOnlyList<BuildOutput> Outputs { get; init; } = [];

    /// <summary>Whether the image is pushed.</summary>
    public bool Push { get; init; }

    /// <summary>Caches to read.</summary>
    public IReadOnlyList<BuildCache> CacheFrom { get; init; } = [];

    /// <summary>Caches to write.</summary>
    public IReadOnlyList<BuildCache> CacheTo { get; init; } = [];

    /// <summary>Secrets by id.</summary>
    public IReadOnlyDictionary<string, BuildSecret> Secrets { get; init; } = new Dictionary<string, BuildSecret>();

    /// <summary>SSH agents.</summary>
    public IReadOnlyList<SshForward> Ssh { get; init; } = [];

    /// <summary>Credentials by registry.</summary>
    public IReadOnlyDictionary<string, RegistryCredential> RegistryCredentials { get; init; } = new Dictionary<string, RegistryCredential>();

    /// <summary>Registries that get credentials though the build does not name them.</summary>
    public IReadOnlyList<string> RegistryHosts { get; init; } = [];

    /// <summary>Asks before anything is deleted.</summary>
    public Func<string, IReadOnlyList<string>, bool>? ConfirmDelete { get; init; }
}
