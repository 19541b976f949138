using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Containers;

/// <summary>
/// Engines as containers of a Docker Engine or of containerd. The containers have labels that mark them: others are never changed. A request is planned, which
/// changes nothing, and then applied; a failure undoes what the run changed.
/// </summary>
public sealed partial class BuildKitContainers : IAsyncDisposable
{
    /// <summary>The name of a container without another name.</summary>
    public const string DefaultName = "buildkitd";

    /// <summary>The image of an engine without another image.</summary>
    public const string DefaultImage = "moby/buildkit:buildx-stable-1";

    /// <summary>The image of a rootless engine without another image.</summary>
    public const string DefaultRootlessImage = "moby/buildkit:buildx-stable-1-rootless";

    /// <summary>The network of a container without another network.</summary>
    public const string NoNetwork = "none";

    // Room for the suffix of an update, within what a docker-container:// address accepts.
    private const int LongestName = 128;
    private const string PreviousSuffix = ".previous";

    // Marks a previous container that only remains to be removed: the new engine has answered.
    private const string ReplacedSuffix = ".replaced";
    private const string LoadedPrefix = "localhost/opencloud-build/buildkit:";

    private readonly IContainerHost _host;
    private readonly EngineConnectOptions _options;

    private BuildKitContainers(IContainerHost host, EngineConnectOptions options)
    {
        _host = host;
        _options = options;
    }

    /// <summary>The address of the Docker Engine or of containerd.</summary>
    public string Store => _host.Store;

    /// <summary>The address of the engine in a container of this name, which need not exist.</summary>
    /// <param name="name">The name of the container.</param>
    /// <exception cref="BuildKitContainerException">The engine in such a container cannot be reached.</exception>
    public EngineAddress AddressOf(string name) => _host.AddressOf(name);

    /// <summary>Opens the containers of a Docker Engine, or of containerd on this machine, which is connected to at the first request.</summary>
    /// <param name="address">The address; null for the Docker Engine of Docker's configuration.</param>
    /// <param name="options">The options of the connection; null for the defaults.</param>
    /// <exception cref="BuildKitContainerException">The address is not that of a Docker Engine or of containerd on this machine.</exception>
    /// <exception cref="EngineConnectException">The address is not allowed, no engine has its name, or a setting of Docker is invalid.</exception>
    public static BuildKitContainers Open(EngineAddress? address, EngineConnectOptions? options = null)
    {
        options ??= new EngineConnectOptions();
        if (address?.Name is not null)
        {
            // Each node has its own containers; those of the first are meant, as with images.
            (_, address, options) = NamedNodes.Of(NamedNodes.Find(address, options), options)[0];
        }

        return new BuildKitContainers(
            address switch
            {
                null => new DockerContainerHost(EngineAddress.Parse("docker://"), options),
                { Scheme: "unix", Path: { } path } when Path.GetFileName(path) == "docker.sock" => new DockerContainerHost(EngineAddress.Parse("docker://" + path), options),
                { IsDocker: true } => new DockerContainerHost(address, options),
                { Scheme: "unix", Path: not null } => new ContainerdHost(address, options),
                _ => throw new BuildKitContainerException(
                    BuildKitContainerProblem.Unsupported,
                    $"{address} is neither a Docker Engine nor containerd on this machine: engines in containers of containerd are reached by a socket in a folder of this machine. Nothing was sent."),
            },
            options);
    }

    /// <summary>Whether a text can be the name of a container or a volume here (moby, daemon/names: RestrictedNamePattern).</summary>
    public static bool IsName(string? name) => name is { Length: <= LongestName } && Name().IsMatch(name);

    /// <summary>The containers that this library made, by name.</summary>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<IReadOnlyList<BuildKitContainer>> ListAsync(CancellationToken cancellationToken = default) =>
    [
        .. (await _host.ListAsync(cancellationToken).ConfigureAwait(false))
            .Where(static c => c.Labels is { } labels && c.Name != labels.Engine + ReplacedSuffix)
            .OrderBy(NameOf, StringComparer.Ordinal).ThenBy(static c => c.Name.Length)
            .DistinctBy(NameOf).Select(c => Describe(c, BuildKitContainerChange.None)),
    ];

    /// <summary>Checks a request before its image is known, and whether the engine can be reached; changes nothing.</summary>
    /// <param name="request">The request.</param>
    /// <param name="mustExist">Whether the container must exist.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="BuildKitContainerException">The request cannot be fulfilled.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task CheckAsync(BuildKitContainerRequest request, bool mustExist, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        CheckNames(request);
        _host.Check(request);
        (HostedContainer? current, _) = await FindAsync(request.Name, cancellationToken).ConfigureAwait(false);
        if (current is null && mustExist)
        {
            throw NotFound(request.Name);
        }

        if (current is null || request.Network is not null)
        {
            await CheckPlaceAsync(request, request.Network ?? NoNetwork, request.CacheVolume ?? current?.Labels?.CacheVolume ?? request.Name + "-cache", current?.Labels?.CacheVolume, cancellationToken).ConfigureAwait(false);
        }

        if (current?.Labels is { } there && !mustExist)
        {
            await CheckSameAsync(request, there, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Finds out what a request changes; changes nothing.</summary>
    /// <param name="request">The request.</param>
    /// <param name="mustExist">Whether the container must exist.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="BuildKitContainerException">The request cannot be fulfilled.</exception>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task<BuildKitContainerPlan> PlanAsync(BuildKitContainerRequest request, bool mustExist, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        CheckNames(request);
        _host.Check(request);
        EngineAddress address = _host.AddressOf(request.Name);
        (HostedContainer? current, HostedContainer? unfinished) = await FindAsync(request.Name, cancellationToken).ConfigureAwait(false);
        if (current is null && mustExist)
        {
            throw NotFound(request.Name);
        }

        ContainerLabels? there = current?.Labels;
        string network = request.Network ?? there?.Network ?? NoNetwork;
        string volume = request.CacheVolume ?? there?.CacheVolume ?? request.Name + "-cache";
        bool isRootless = request.IsRootless ?? there?.IsRootless ?? false;
        (string image, string digest, string shown, string loadedAs) = await FindImageAsync(request, current, isRootless, cancellationToken).ConfigureAwait(false);
        ContainerLabels wanted = new(request.Name, shown, digest, loadedAs, network, volume, isRootless, ContainerLabels.OwnVersion, Guid.NewGuid().ToString("N"));
        IReadOnlyList<string> differences = there?.DifferencesTo(wanted) ?? [];
        BuildKitContainerChange change = current is null ? BuildKitContainerChange.Created
            : differences.Count > 0 ? BuildKitContainerChange.Updated
            : unfinished is not null || current.State != "running" || current.Name != request.Name ? BuildKitContainerChange.Started
            : BuildKitContainerChange.None;
        if (change is BuildKitContainerChange.Created or BuildKitContainerChange.Updated)
        {
            await CheckPlaceAsync(request, network, volume, there?.CacheVolume, cancellationToken).ConfigureAwait(false);
        }

        string with = $"the image {shown}, network {network}, cache volume {volume}, {(isRootless ? "rootless" : "privileged")}";
        return new BuildKitContainerPlan(request, wanted, address, image)
        {
            Change = change,
            Differences = differences,
            Current = current,
            Unfinished = unfinished,
            IsImageMissing = digest.Length == 0,
            Description = change switch
            {
                BuildKitContainerChange.Created => $"Create a container with an engine: {with}",
                BuildKitContainerChange.Updated => $"Replace the container, which has {string.Join(", ", differences)}; keep its cache",
                _ => "Start the container",
            },
        };
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9_.-]+\z")]
    private static partial Regex Name();

    private static BuildKitContainerException NotFound(string name) => new(BuildKitContainerProblem.NotFound, $"There is no container '{name}' with an engine.");

    private static void CheckNames(BuildKitContainerRequest request)
    {
        foreach ((string what, string? name) in new[] { ("container", request.Name), ("network", request.Network), ("volume", request.CacheVolume) })
        {
            bool isContainer = what == "container";
            if ((isContainer || name is not null) && (!IsName(name) || (isContainer && name!.EndsWith(PreviousSuffix, StringComparison.Ordinal))))
            {
                throw new BuildKitContainerException(
                    BuildKitContainerProblem.InvalidName,
                    $"Invalid name of a {what}: it has 2 to {LongestName} letters, digits and . _ -, and begins with a letter or a digit{(isContainer ? $"; it does not end with '{PreviousSuffix}'" : "")}. Nothing was sent.");
            }
        }
    }

    // During an update, and after one that was interrupted, the container has another name than its engine.
    private static string NameOf(HostedContainer container) =>
        container.Labels is { } labels && container.Name == labels.Engine + PreviousSuffix ? labels.Engine : container.Name;

    /// <summary>The container of a name. After an interrupted update it is the previous one, and the other one is unfinished.</summary>
    private async Task<(HostedContainer? Current, HostedContainer? Unfinished)> FindAsync(string name, CancellationToken cancellationToken)
    {
        HostedContainer? named = await _host.FindNamedAsync(name, cancellationToken).ConfigureAwait(false);
        if (named is not null && named.Labels?.Engine != name)
        {
            throw new BuildKitContainerException(
                BuildKitContainerProblem.Foreign, $"The container '{name}' was not made by this module: it does not have the label {ContainerLabels.EngineLabel}={name}. It was not changed.");
        }

        HostedContainer? previous = await _host.FindNamedAsync(name + PreviousSuffix, cancellationToken).ConfigureAwait(false);
        return previous?.Labels?.Engine == name ? (previous, named) : (named, null);
    }

    private async Task<HostedContainer?> FindReplacedAsync(string name, CancellationToken cancellationToken) =>
        await _host.FindNamedAsync(name + ReplacedSuffix, cancellationToken).ConfigureAwait(false) is { } found && found.Labels?.Engine == name ? found : null;

    // What does not depend on an image that would be pulled first.
    private async Task CheckSameAsync(BuildKitContainerRequest request, ContainerLabels there, CancellationToken cancellationToken)
    {
        ContainerLabels wanted = there with
        {
            Network = request.Network ?? there.Network,
            CacheVolume = request.CacheVolume ?? there.CacheVolume,
            IsRootless = request.IsRootless ?? there.IsRootless,
        };
        List<string> differences = [.. there.DifferencesTo(wanted)];
        if (request.Image is { } image && there.LoadedAs.Length > 0 && await _host.FindImageAsync(image, cancellationToken).ConfigureAwait(false) is null)
        {
            differences.Insert(0, $"the image of the archive {TerminalText.Line(there.Image)} instead of {image.WithDefaultTag().ToFamiliarString()}");
        }

        if (differences.Count > 0)
        {
            throw new BuildKitContainerException(
                BuildKitContainerProblem.Different, $"The container '{request.Name}' exists and has {string.Join(", ", differences)}. It was not changed.");
        }
    }

    private async Task CheckPlaceAsync(BuildKitContainerRequest request, string network, string volume, string? currentVolume, CancellationToken cancellationToken)
    {
        if (!await _host.HasNetworkAsync(network, cancellationToken).ConfigureAwait(false))
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.NetworkNotFound, $"The network '{network}' does not exist in {Store}. Nothing was changed.");
        }

        if (volume == currentVolume || await _host.FindVolumeAsync(volume, cancellationToken).ConfigureAwait(false) is not { } there)
        {
            return;
        }

        // A volume that the user named may be the user's; one that was found by its name alone may have other contents. Two engines cannot share one.
        string? owner = there.Engine;
        if (owner != request.Name && (owner is not null || request.CacheVolume is null))
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.Foreign, $"The volume '{volume}' exists and was not made by this module for '{request.Name}'. Nothing was changed.");
        }
    }

    private BuildKitContainer Describe(HostedContainer container, BuildKitContainerChange change)
    {
        ContainerLabels labels = container.Labels!;
        string name = NameOf(container);
        return new BuildKitContainer
        {
            Name = name,
            Address = !IsName(name) ? null : _host.FindAddress(name),
            State = container.State,
            Change = change,
            Image = labels.Image,
            Digest = labels.Digest,
            Network = labels.Network,
            CacheVolume = labels.CacheVolume,
            IsRootless = labels.IsRootless,
            ModuleVersion = labels.Version,
            Created = container.Created,
            Id = container.Id,
            Store = Store,
        };
    }
}
