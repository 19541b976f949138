using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Docker;

namespace OpenCloud.Build.Client;

/// <summary>Opens image stores: containerd, and Docker Engines.</summary>
public static class ImageStores
{
    /// <summary>The default containerd namespace of images.</summary>
    public const string DefaultNamespace = ContainerdClient.DefaultNamespace;

    /// <summary>The default socket of containerd.</summary>
    public const string DefaultContainerdSocket = ContainerdClient.DefaultSocket;

    private const string ContainerdVariable = "CONTAINERD_ADDRESS";

    /// <summary>Opens a store, which connects at its first request.</summary>
    /// <param name="address">The address; null for the store of images built by default.</param>
    /// <param name="options">The options of the connection.</param>
    /// <exception cref="FormatException"><c>$CONTAINERD_ADDRESS</c> is not an address.</exception>
    /// <exception cref="EngineConnectException">The address is not allowed, or an environment variable has no valid address.</exception>
    public static IImageStore Open(EngineAddress? address, EngineConnectOptions? options = null)
    {
        options ??= new EngineConnectOptions();
        EngineAddress found = address ?? Default(options);
        if (found.Name is not null)
        {
            // Each node has its own images; those of the first are shown.
            (_, found, options) = NamedNodes.Of(NamedNodes.Find(found, options), options)[0];
        }

        if (IsDocker(found))
        {
            return new DockerImageStore(new DockerEngineClient(found.Scheme != "unix" ? found : EngineAddress.Parse("docker://" + found.Path), options));
        }

        if (found.Remote is not null)
        {
            throw new EngineConnectException(
                EngineConnectReason.NotAnEngine,
                found,
                $"{found} leads to BuildKit, which has no image store of its own. For the images of a Docker Engine on another machine, use docker+ssh://HOST.");
        }

        return new ContainerdImageStore(new ContainerdClient(ContainerdChannel.Open(found, options)), found.ToString());
    }

    /// <summary>The other stores of this machine: a name that is missing in one may be in another.</summary>
    public static IReadOnlyList<EngineAddress> Others(string address) =>
    [
        .. new[] { DockerSocket(new EngineConnectOptions()), ContainerdSocket() }
            .OfType<EngineAddress>()
            .Where(a => a.ToString() != address && a.Path is { } path && File.Exists(path)),
    ];

    /// <summary>
    /// $CONTAINERD_ADDRESS if set. Else Docker's store when builds use a Docker Engine by default, so that listings show what was built; else
    /// containerd, or Docker when it is the only one.
    /// </summary>
    private static EngineAddress Default(EngineConnectOptions options)
    {
        if (options.GetEnvironmentVariable(ContainerdVariable) is { Length: > 0 })
        {
            return ContainerdSocket();
        }

        EngineAddress? first = EngineDiscovery.Candidates(options)
            .Select(static c => c.Address)
            .FirstOrDefault(static a => a is not null && (a.Path is null || File.Exists(a.Path)));
        if (first is not null && IsDocker(first))
        {
            return first;
        }

        EngineAddress containerd = ContainerdSocket();
        return File.Exists(containerd.Path) ? containerd : DockerSocket(options) is { } docker && File.Exists(docker.Path) ? docker : containerd;
    }

    private static bool IsDocker(EngineAddress address) =>
        address.IsDocker || (address is { Scheme: "unix", Path: { } path } && Path.GetFileName(path) == "docker.sock");

    private static EngineAddress ContainerdSocket() =>
        Environment.GetEnvironmentVariable(ContainerdVariable) is { Length: > 0 } set
            ? EngineAddress.Parse(set)
            : EngineAddress.ForUnixSocket(ContainerdClient.DefaultSocket);

    private static EngineAddress? DockerSocket(EngineConnectOptions options)
    {
        try
        {
            return EngineDiscovery.DockerEngine(options);
        }
        catch (EngineConnectException)
        {
            return null;
        }
    }
}
