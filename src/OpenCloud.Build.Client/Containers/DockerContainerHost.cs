using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Docker;

namespace OpenCloud.Build.Client.Containers;

/// <summary>A Docker Engine as the host of containers with engines, which the docker command reaches.</summary>
internal sealed partial class DockerContainerHost : IContainerHost
{
    // moby/buildkit, Dockerfile: the stages buildkit-linux and rootless.
    private const string CacheFolder = "/var/lib/buildkit";
    private const string RootlessCacheFolder = "/home/user/.local/share/buildkit";

    private readonly DockerEngineClient _client;
    private readonly DockerContainers _containers;
    private readonly EngineConnectOptions _options;
    private readonly string? _context;

    public DockerContainerHost(EngineAddress address, EngineConnectOptions options)
    {
        _client = new DockerEngineClient(address, options);
        _containers = new DockerContainers(_client);
        _options = options;
        _context = ContainerAddress.FindContext(address, _client.Address, options);
    }

    public string Store => _client.Address.ToString();

    // With the restart policy "always" an engine that ends at once is started again and again.
    public int MostEnds => 2;

    public void Check(BuildKitContainerRequest request) => AddressOf(request.Name);

    public EngineAddress AddressOf(string name)
    {
        if (_context is null)
        {
            throw new BuildKitContainerException(
                BuildKitContainerProblem.Unreachable, $"The docker command does not connect to {Store}: neither its current setting nor one of its contexts leads there. An engine in a container is reached by the docker command.");
        }

        return ContainerAddress.Objection(_options) is { } objection
            ? throw new BuildKitContainerException(BuildKitContainerProblem.Unreachable, objection)
            : ContainerAddress.Of(name, _context);
    }

    public string? FindAddress(string name) => _context is null ? null : ContainerAddress.Of(name, _context).ToString();

    public Task<List<HostedContainer>> ListAsync(CancellationToken cancellationToken) => _containers.ListAsync(cancellationToken);

    public Task<HostedContainer?> FindAsync(string id, CancellationToken cancellationToken) => _containers.FindAsync(id, cancellationToken);

    // The API also takes the beginning of an id.
    public async Task<HostedContainer?> FindNamedAsync(string name, CancellationToken cancellationToken) =>
        await _containers.FindAsync(name, cancellationToken).ConfigureAwait(false) is { } found && found.Name == name ? found : null;

    public Task<string> CreateAsync(string name, string image, ContainerLabels labels, CancellationToken cancellationToken) =>
        _containers.CreateAsync(name, BodyOf(image, labels), cancellationToken);

    public Task StartAsync(string id, CancellationToken cancellationToken) => _containers.StartAsync(id, cancellationToken);

    public Task StopAsync(string id, CancellationToken cancellationToken) => _containers.StopAsync(id, cancellationToken);

    public Task RenameAsync(string id, string name, CancellationToken cancellationToken) => _containers.RenameAsync(id, name, cancellationToken);

    public Task RemoveAsync(string id, CancellationToken cancellationToken) => _containers.RemoveAsync(id, cancellationToken);

    public async Task<HostedVolume?> FindVolumeAsync(string name, CancellationToken cancellationToken) =>
        await _containers.FindVolumeAsync(name, cancellationToken).ConfigureAwait(false) is { } labels ? new HostedVolume(ContainerLabels.From(labels)?.Engine) : null;

    public Task CreateVolumeAsync(string name, string engine, CancellationToken cancellationToken) => _containers.CreateVolumeAsync(name, ContainerLabels.OfVolume(engine), cancellationToken);

    public Task RemoveVolumeAsync(string name, CancellationToken cancellationToken) => _containers.RemoveVolumeAsync(name, cancellationToken);

    public Task<bool> HasNetworkAsync(string name, CancellationToken cancellationToken) => _containers.HasNetworkAsync(name, cancellationToken);

    public Task<string> ReadLogAsync(string id, CancellationToken cancellationToken) => _containers.ReadLogAsync(id, cancellationToken);

    public bool IsFailure(Exception error) => error is DockerEngineException or HttpRequestException or IOException;

    public bool IsRefusal(Exception error) => error is DockerEngineException { Status: not null };

    public bool IsUse(Exception error) => error is DockerEngineException { Status: System.Net.HttpStatusCode.Conflict };

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    // moby, api: ContainerCreateRequest. buildkitd mounts file systems and makes namespaces, so it is privileged; the rootless image needs no
    // privileges but its system calls, mounts, and a /proc without masks (moby/buildkit, docs/rootless.md).
    private static JsonObject BodyOf(string image, ContainerLabels wanted)
    {
        JsonObject host = new()
        {
            ["NetworkMode"] = wanted.Network,
            ["RestartPolicy"] = new JsonObject { ["Name"] = "always" },
            ["Mounts"] = new JsonArray(new JsonObject { ["Type"] = "volume", ["Source"] = wanted.CacheVolume, ["Target"] = wanted.IsRootless ? RootlessCacheFolder : CacheFolder }),
        };
        if (wanted.IsRootless)
        {
            host["SecurityOpt"] = new JsonArray("seccomp=unconfined", "apparmor=unconfined");
            host["MaskedPaths"] = new JsonArray();
            host["ReadonlyPaths"] = new JsonArray();
        }
        else
        {
            host["Privileged"] = true;
        }

        return new JsonObject { ["Image"] = image, ["Labels"] = wanted.ToJson(), ["HostConfig"] = host };
    }
}
