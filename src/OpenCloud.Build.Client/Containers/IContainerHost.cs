using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Containers;

/// <summary>What runs containers with engines. <see cref="BuildKitContainers"/> decides what is done; a host does it.</summary>
internal interface IContainerHost : IAsyncDisposable
{
    /// <summary>The address of the host.</summary>
    public string Store { get; }

    /// <summary>How often the program of a container may end before it is taken for one that does not work.</summary>
    public int MostEnds { get; }

    /// <summary>Checks what every host checks in its own way, without I/O to the host; the names are valid.</summary>
    /// <exception cref="BuildKitContainerException">The host cannot fulfil the request.</exception>
    public void Check(BuildKitContainerRequest request);

    /// <summary>The address of the engine in a container of this name.</summary>
    /// <exception cref="BuildKitContainerException">The engine cannot be reached.</exception>
    public EngineAddress AddressOf(string name);

    /// <summary>The address of the engine in a container of this name; null when it cannot be reached.</summary>
    public string? FindAddress(string name);

    /// <summary>The containers that this library made, also those that do not run.</summary>
    public Task<List<HostedContainer>> ListAsync(CancellationToken cancellationToken);

    /// <summary>A container by its id; null when there is none.</summary>
    public Task<HostedContainer?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>A container by its name; null when there is none.</summary>
    public Task<HostedContainer?> FindNamedAsync(string name, CancellationToken cancellationToken);

    /// <summary>Creates a container, which does not run yet; its id.</summary>
    public Task<string> CreateAsync(string name, string image, ContainerLabels labels, CancellationToken cancellationToken);

    public Task StartAsync(string id, CancellationToken cancellationToken);

    /// <summary>Stops a container, which is not started again by the host; one that does not end within 10 s is killed.</summary>
    public Task StopAsync(string id, CancellationToken cancellationToken);

    public Task RenameAsync(string id, string name, CancellationToken cancellationToken);

    /// <summary>Removes a container, also a running one; a missing one is no error.</summary>
    public Task RemoveAsync(string id, CancellationToken cancellationToken);

    /// <summary>A volume; null when there is none.</summary>
    public Task<HostedVolume?> FindVolumeAsync(string name, CancellationToken cancellationToken);

    public Task CreateVolumeAsync(string name, string engine, CancellationToken cancellationToken);

    /// <summary>Removes a volume; a missing one is no error.</summary>
    /// <exception cref="Exception">A container uses it (<see cref="IsUse"/>).</exception>
    public Task RemoveVolumeAsync(string name, CancellationToken cancellationToken);

    public Task<bool> HasNetworkAsync(string name, CancellationToken cancellationToken);

    /// <summary>The last words of the program in a container, as one line.</summary>
    public Task<string> ReadLogAsync(string id, CancellationToken cancellationToken);

    public Task<HostedImage?> FindImageAsync(ImageReference image, CancellationToken cancellationToken);

    /// <summary>Loads an image under a name, unless the host has it.</summary>
    public Task LoadAsync(OpenedImage archive, string name, ContainerUndo undo, CancellationToken cancellationToken);

    /// <summary>Pulls an image, with the credential of Docker's configuration file.</summary>
    public Task PullAsync(ImageReference image, CancellationToken cancellationToken);

    /// <summary>Undoes a pull: the reference means what it meant before.</summary>
    public Task UndoPullAsync(ImageReference image, string? previousDigest, CancellationToken cancellationToken);

    /// <summary>Removes an image that a pull left without a name, unless something uses it.</summary>
    public Task<bool> RemoveUntaggedImageAsync(string digest, CancellationToken cancellationToken);

    /// <summary>Removes a name of an image; false when there is none, or a container uses it.</summary>
    public Task<bool> RemoveImageAsync(string name, CancellationToken cancellationToken);

    /// <summary>Whether an error is one of the host or of the way to it.</summary>
    public bool IsFailure(Exception error);

    /// <summary>Whether an error says that the host has not done what was requested.</summary>
    public bool IsRefusal(Exception error);

    /// <summary>Whether an error says that a container uses what should be removed.</summary>
    public bool IsUse(Exception error);
}
