using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Builds;

/// <summary>Outputs, caches, secrets, SSH agents and registries of a build, checked as far as possible without an engine.</summary>
internal sealed record BuildExchange
{
    public IReadOnlyList<BuildOutput> Outputs { get; init; } = [];

    public bool Push { get; init; }

    public IReadOnlyList<BuildCache> CacheFrom { get; init; } = [];

    public IReadOnlyList<BuildCache> CacheTo { get; init; } = [];

    public IReadOnlyDictionary<string, BuildSecret> Secrets { get; init; } = new Dictionary<string, BuildSecret>();

    public IReadOnlyList<SshForward> Ssh { get; init; } = [];

    public IReadOnlyDictionary<string, RegistryCredential> RegistryCredentials { get; init; } = new Dictionary<string, RegistryCredential>();

    /// <summary>Registries that receive credentials although the build does not name them.</summary>
    public IReadOnlyList<string> RegistryHosts { get; init; } = [];

    /// <summary>Asked before anything is deleted.</summary>
    public Func<string, IReadOnlyList<string>, bool>? ConfirmDelete { get; init; }
}
