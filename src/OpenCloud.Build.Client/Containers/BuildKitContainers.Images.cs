using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Containers;

/// <content>The images of the engines.</content>
public sealed partial class BuildKitContainers
{
    /// <summary>Whether the Docker Engine has an image.</summary>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<bool> HasImageAsync(ImageReference image, CancellationToken cancellationToken = default) => await GetImageIdAsync(image, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>The id of an image in the Docker Engine; null when it does not have the image.</summary>
    /// <exception cref="DockerEngineException">The Docker Engine refused the request.</exception>
    public async Task<string?> GetImageIdAsync(ImageReference image, CancellationToken cancellationToken = default) =>
        await FindImageAsync(image, cancellationToken).ConfigureAwait(false) is { } found ? DockerJson.Text(found, "Id") : null;

    /// <summary>Lets the Docker Engine pull an image, with the credential of Docker's configuration file.</summary>
    /// <exception cref="DockerEngineException">The Docker Engine did not get the image.</exception>
    public async Task PullAsync(ImageReference image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ImageReference full = image.WithDefaultTag();
        using ByteArrayContent content = new([]);
        string key = RegistryHosts.KeyOf(full.Domain);
        if (await FindCredentialAsync(key, cancellationToken).ConfigureAwait(false) is { IsEmpty: false } found)
        {
            // moby, api: the section "Authentication"; the encoding is base64url.
            JsonObject credential = new() { ["username"] = found.UserName, ["password"] = found.Password, ["identitytoken"] = found.IdentityToken, ["registrytoken"] = found.RegistryToken, ["serveraddress"] = key };
            content.Headers.Add("X-Registry-Auth", Convert.ToBase64String(Encoding.UTF8.GetBytes(credential.ToJsonString())).Replace('+', '-').Replace('/', '_'));
        }

        string tag = Uri.EscapeDataString(full.Digest ?? full.Tag!);
        await _client.SendAsync($"/images/create?fromImage={Uri.EscapeDataString(full.Name)}&tag={tag}", content, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes an image that a run pulled and does not use; false when the engine has it no more or still uses it.</summary>
    public async Task<bool> RemoveImageAsync(ImageReference image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return await RemoveImageAsync(image.ToFamiliarString(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Undoes a pull: the reference means again what it meant before, and the image that was pulled is removed unless it is used.</summary>
    /// <param name="image">The reference.</param>
    /// <param name="previousId">The id that it meant before the pull; null when the Docker Engine did not have it.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task UndoPullAsync(ImageReference image, string? previousId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ImageReference full = image.WithDefaultTag();
        if (previousId is null)
        {
            await RemoveImageAsync(full.ToFamiliarString(), cancellationToken).ConfigureAwait(false);
        }
        else if (full.Digest is null && await GetImageIdAsync(full, cancellationToken).ConfigureAwait(false) is var pulled && pulled != previousId)
        {
            string path = $"{PathOf(previousId)}/tag?repo={Uri.EscapeDataString(full.Name)}&tag={Uri.EscapeDataString(full.Tag!)}";
            await _client.ChangeAsync(HttpMethod.Post, path, cancellationToken).ConfigureAwait(false);
            if (pulled is not null)
            {
                await RemoveUntaggedImageAsync(pulled, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Removes an image that no name means and no container uses; false when one does.</summary>
    /// <param name="id">The id of the image.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="DockerEngineException">The Docker Engine refused a request.</exception>
    public async Task<bool> RemoveUntaggedImageAsync(string id, CancellationToken cancellationToken = default) =>
        await _client.GetAsync(PathOf(id) + "/json", cancellationToken).ConfigureAwait(false) is { } found
        && DockerJson.Text(found, "Id") == id
        && DockerJson.Texts(found, "RepoTags") is not { Count: > 0 }
        && await RemoveImageAsync(id, cancellationToken).ConfigureAwait(false);

    private static string PathOf(string image) => "/images/" + string.Join('/', image.Split('/').Select(Uri.EscapeDataString));

    private static async Task<StoredCredential?> FindCredentialAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await DockerConfigFile.Read(DockerConfigFile.DefaultDirectory).FindAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryCredentialException e)
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.ImageUnusable, $"The credential for the image cannot be read: {e.Message}", e);
        }
    }

    private async Task<JsonElement?> FindImageAsync(ImageReference image, CancellationToken cancellationToken) =>
        await _client.GetAsync(PathOf(image.WithDefaultTag().ToFamiliarString()) + "/json", cancellationToken).ConfigureAwait(false);

    private async Task<(string Image, string Digest, string Shown, string LoadedAs)> FindImageAsync(
        BuildKitContainerRequest request, DockerContainer? current, bool isRootless, CancellationToken cancellationToken)
    {
        if (request.Archive is { } archive)
        {
            string digest = archive.Target.Digest.ToString();
            string name = LoadedPrefix + digest[(digest.IndexOf(':') + 1)..][..12];
            return current?.Labels is { } same && same.Digest == digest ? (current.ImageId, digest, request.ArchivePath ?? same.Image, same.LoadedAs) : (name, digest, request.ArchivePath ?? name, name);
        }

        // An image that was loaded from an archive has no other source.
        if (request.Image is null && current?.Labels is { LoadedAs.Length: > 0 } loaded)
        {
            return (current.ImageId, loaded.Digest, loaded.Image, loaded.LoadedAs);
        }

        ImageReference reference = (request.Image ?? ImageReference.Parse(current?.Labels?.Image is { Length: > 0 } image ? image : isRootless ? DefaultRootlessImage : DefaultImage)).WithDefaultTag();
        string shown = reference.ToFamiliarString();
        return await FindImageAsync(reference, cancellationToken).ConfigureAwait(false) is { } found && DockerJson.Text(found, "Id") is { Length: > 0 } id
            ? (id, id, shown, string.Empty)
            : request.AllowsMissingImage ? (shown, string.Empty, shown, string.Empty)
            : throw new BuildKitContainerException(BuildKitContainerProblem.ImageUnusable, $"The image '{shown}' does not exist in {Store}.");
    }

    private async Task<bool> RemoveImageAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.ChangeAsync(HttpMethod.Delete, PathOf(name), cancellationToken).ConfigureAwait(false);
        }
        catch (DockerEngineException e) when (e.Status == System.Net.HttpStatusCode.Conflict)
        {
            // Another container uses it.
            return false;
        }
    }
}
