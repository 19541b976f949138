using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Containers;

/// <content>The images of the engines.</content>
public sealed partial class BuildKitContainers
{
    /// <summary>Whether the host has an image.</summary>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<bool> HasImageAsync(ImageReference image, CancellationToken cancellationToken = default) => await GetImageIdAsync(image, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>The id of an image in the host, in containerd its digest; null when the host does not have the image.</summary>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<string?> GetImageIdAsync(ImageReference image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return (await _host.FindImageAsync(image, cancellationToken).ConfigureAwait(false))?.Digest;
    }

    /// <summary>Pulls an image into the host, with the credential of Docker's configuration file.</summary>
    /// <exception cref="DockerEngineException">The Docker Engine did not get the image.</exception>
    public Task PullAsync(ImageReference image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return _host.PullAsync(image, cancellationToken);
    }

    /// <summary>Removes an image that a run pulled and does not use; false when the host has it no more or still uses it.</summary>
    public Task<bool> RemoveImageAsync(ImageReference image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return _host.RemoveImageAsync(image.ToFamiliarString(), cancellationToken);
    }

    /// <summary>Undoes a pull: the reference means again what it meant before, and the image that was pulled is removed unless it is used.</summary>
    /// <param name="image">The reference.</param>
    /// <param name="previousId">The id that it meant before the pull; null when the host did not have it.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public Task UndoPullAsync(ImageReference image, string? previousId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return _host.UndoPullAsync(image, previousId, cancellationToken);
    }

    /// <summary>Removes an image that no name means and no container uses; false when one does.</summary>
    /// <param name="id">The id of the image.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public Task<bool> RemoveUntaggedImageAsync(string id, CancellationToken cancellationToken = default) => _host.RemoveUntaggedImageAsync(id, cancellationToken);

    private async Task<(string Image, string Digest, string Shown, string LoadedAs)> FindImageAsync(
        BuildKitContainerRequest request, HostedContainer? current, bool isRootless, CancellationToken cancellationToken)
    {
        if (request.Archive is { } archive)
        {
            string digest = archive.Target.Digest.ToString();
            string name = LoadedPrefix + digest[(digest.IndexOf(':') + 1)..][..12];
            return current?.Labels is { } same && same.Digest == digest ? (current.Image, digest, request.ArchivePath ?? same.Image, same.LoadedAs) : (name, digest, request.ArchivePath ?? name, name);
        }

        // An image that was loaded from an archive has no other source.
        if (request.Image is null && current?.Labels is { LoadedAs.Length: > 0 } loaded)
        {
            return (current.Image, loaded.Digest, loaded.Image, loaded.LoadedAs);
        }

        ImageReference reference = (request.Image ?? ImageReference.Parse(current?.Labels?.Image is { Length: > 0 } image ? image : isRootless ? DefaultRootlessImage : DefaultImage)).WithDefaultTag();
        string shown = reference.ToFamiliarString();
        return await _host.FindImageAsync(reference, cancellationToken).ConfigureAwait(false) is { } found
            ? (found.Image, found.Digest, shown, string.Empty)
            : request.AllowsMissingImage ? (shown, string.Empty, shown, string.Empty)
            : throw new BuildKitContainerException(BuildKitContainerProblem.ImageUnusable, $"The image '{shown}' does not exist in {Store}.");
    }
}
