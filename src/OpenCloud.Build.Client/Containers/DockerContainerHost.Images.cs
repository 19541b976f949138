using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Containers;

/// <content>The images of the engines.</content>
internal sealed partial class DockerContainerHost
{
    public async Task<HostedImage?> FindImageAsync(ImageReference image, CancellationToken cancellationToken) =>
        await _client.GetAsync(PathOf(image.WithDefaultTag().ToFamiliarString()) + "/json", cancellationToken).ConfigureAwait(false) is { } found && DockerJson.Text(found, "Id") is { Length: > 0 } id
            ? new HostedImage(id, id) : null;

    public async Task LoadAsync(OpenedImage archive, string name, ContainerUndo undo, CancellationToken cancellationToken)
    {
        if (await _client.GetAsync(PathOf(name) + "/json", cancellationToken).ConfigureAwait(false) is null)
        {
            undo.Add($"the image '{name}' exists", token => RemoveImageAsync(name, token));
        }

        // The store is not disposed of: the client belongs to this object.
        DockerImageStore store = new(_client);
        IReadOnlyList<Platform> platforms = await store.KeepsPlatformsAsync(cancellationToken).ConfigureAwait(false) ? [] : [Platform.Current];
        await store.ImportAsync(string.Empty, archive.Source, archive.Target, [name], new ImageImportOptions(platforms, false, null), cancellationToken).ConfigureAwait(false);
    }

    public async Task PullAsync(ImageReference image, CancellationToken cancellationToken)
    {
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

    public async Task UndoPullAsync(ImageReference image, string? previousDigest, CancellationToken cancellationToken)
    {
        ImageReference full = image.WithDefaultTag();
        if (previousDigest is null)
        {
            await RemoveImageAsync(full.ToFamiliarString(), cancellationToken).ConfigureAwait(false);
        }
        else if (full.Digest is null && (await FindImageAsync(full, cancellationToken).ConfigureAwait(false))?.Digest is var pulled && pulled != previousDigest)
        {
            string path = $"{PathOf(previousDigest)}/tag?repo={Uri.EscapeDataString(full.Name)}&tag={Uri.EscapeDataString(full.Tag!)}";
            await _client.ChangeAsync(HttpMethod.Post, path, cancellationToken).ConfigureAwait(false);
            if (pulled is not null)
            {
                await RemoveUntaggedImageAsync(pulled, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async Task<bool> RemoveUntaggedImageAsync(string digest, CancellationToken cancellationToken) =>
        await _client.GetAsync(PathOf(digest) + "/json", cancellationToken).ConfigureAwait(false) is { } found
        && DockerJson.Text(found, "Id") == digest
        && DockerJson.Texts(found, "RepoTags") is not { Count: > 0 }
        && await RemoveImageAsync(digest, cancellationToken).ConfigureAwait(false);

    public async Task<bool> RemoveImageAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.ChangeAsync(HttpMethod.Delete, PathOf(name), cancellationToken).ConfigureAwait(false);
        }
        catch (DockerEngineException e) when (IsUse(e))
        {
            return false;
        }
    }

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
}
