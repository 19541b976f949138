using OpenCloud.Build.Client.Containers.Runtime;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Protocol.Containerd.Images;

namespace OpenCloud.Build.Client.Containers;

/// <content>The images and the volumes of the engines.</content>
internal sealed partial class ContainerdHost
{
    // Keeps what a reference meant before a pull until it is known whether the new image works.
    private const string KeptPrefix = "localhost/opencloud-build/previous:";

    private static readonly TimeSpan LeaseTime = TimeSpan.FromHours(1);
    private static readonly TimeSpan Cleanup = TimeSpan.FromSeconds(20);

    public async Task<HostedImage?> FindImageAsync(ImageReference image, CancellationToken cancellationToken)
    {
        string name = image.WithDefaultTag().ToString();
        return await _client.GetImageAsync(_runtime.Namespace, name, cancellationToken).ConfigureAwait(false) is { Target: { } target } ? new HostedImage(name, target.Digest) : null;
    }

    public async Task LoadAsync(OpenedImage archive, string name, ContainerUndo undo, CancellationToken cancellationToken)
    {
        if (await _client.GetImageAsync(_runtime.Namespace, name, cancellationToken).ConfigureAwait(false) is null)
        {
            undo.Add($"the image '{name}' exists", token => RemoveImageAsync(name, token));
        }

        await new ContainerdImport(_client, _runtime.Namespace, archive.Source, new ImageImportOptions([Platform.Current], false, null)).RunAsync(archive.Target, [name], cancellationToken).ConfigureAwait(false);
    }

    public async Task PullAsync(ImageReference image, CancellationToken cancellationToken)
    {
        ImageReference full = image.WithDefaultTag();
        if (await _client.GetImageAsync(_runtime.Namespace, full.ToString(), cancellationToken).ConfigureAwait(false) is { Target: { } before })
        {
            await _client.PutImageAsync(_runtime.Namespace, new Image { Name = KeptName(before.Digest), Target = before }, null, cancellationToken).ConfigureAwait(false);
        }

        using RegistryClient registries = new(new RegistryOptions());
        RegistryImage found = await registries.OpenAsync(full, [Platform.Current], null, cancellationToken).ConfigureAwait(false);
        await found.ImportAsync(new ContainerdImageStore(_client, Store), _runtime.Namespace, [full.ToString()], cancellationToken).ConfigureAwait(false);
    }

    public async Task UndoPullAsync(ImageReference image, string? previousDigest, CancellationToken cancellationToken)
    {
        string name = image.WithDefaultTag().ToString();
        if (previousDigest is null)
        {
            await RemoveImageAsync(name, cancellationToken).ConfigureAwait(false);
        }
        else if (await _client.GetImageAsync(_runtime.Namespace, KeptName(previousDigest), cancellationToken).ConfigureAwait(false) is { } kept)
        {
            await _client.PutImageAsync(_runtime.Namespace, new Image { Name = name, Target = kept.Target }, null, cancellationToken).ConfigureAwait(false);
            await RemoveUntaggedImageAsync(previousDigest, cancellationToken).ConfigureAwait(false);
        }
    }

    // The garbage collector removes what no other name means.
    public Task<bool> RemoveUntaggedImageAsync(string digest, CancellationToken cancellationToken) => _client.DeleteImageAsync(_runtime.Namespace, KeptName(digest), sync: true, cancellationToken);

    public async Task<bool> RemoveImageAsync(string name, CancellationToken cancellationToken)
    {
        string full = ImageReference.Parse(name).WithDefaultTag().ToString();
        IReadOnlyList<Protocol.Containerd.Containers.Container> users = await _runtime.ListAsync($"image==\"{full}\"", cancellationToken).ConfigureAwait(false);
        return users.Count == 0 && await _client.DeleteImageAsync(_runtime.Namespace, full, sync: true, cancellationToken).ConfigureAwait(false);
    }

    public Task<HostedVolume?> FindVolumeAsync(string name, CancellationToken cancellationToken) => Task.FromResult(_folders.FindVolume(name));

    public Task CreateVolumeAsync(string name, string engine, CancellationToken cancellationToken)
    {
        _folders.CreateVolume(name, engine);
        return Task.CompletedTask;
    }

    public async Task RemoveVolumeAsync(string name, CancellationToken cancellationToken)
    {
        foreach (HostedContainer container in await ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (container.Labels?.CacheVolume == name)
            {
                throw new BuildKitContainerException(BuildKitContainerProblem.Foreign, $"The container '{container.Name}' uses the volume '{name}'. It was not removed.");
            }
        }

        _folders.RemoveVolume(name);
    }

    private static string KeptName(string digest) => KeptPrefix + digest[(digest.IndexOf(':') + 1)..][..12];

    private async Task<UnpackedImage> UnpackAsync(string image, string lease, CancellationToken cancellationToken)
    {
        if (await _client.GetImageAsync(_runtime.Namespace, image, cancellationToken).ConfigureAwait(false) is not { Target: { } target })
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.ImageUnusable, $"The image '{image}' does not exist in the namespace '{_runtime.Namespace}' of {Store}.");
        }

        try
        {
            OciDescriptor descriptor = new(target.MediaType, ContentDigest.Parse(target.Digest), target.Size);
            return await new ImageUnpacking(_client, _runtime).RunAsync(descriptor, image, lease, cancellationToken).ConfigureAwait(false);
        }
        catch (OciFormatException e)
        {
            throw new BuildKitContainerException(BuildKitContainerProblem.ImageUnusable, e.Message, e);
        }
    }
}
