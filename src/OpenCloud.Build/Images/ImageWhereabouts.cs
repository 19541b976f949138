using Grpc.Core;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Docker;

namespace OpenCloud.Build.Images;

/// <summary>Searches for a missing name in other namespaces and in the other stores of this machine.</summary>
internal static class ImageWhereabouts
{
    private static readonly EngineConnectOptions Brief = new() { ConnectTimeout = TimeSpan.FromMilliseconds(500) };

    /// <summary>A sentence, with a leading space, that says where the name is; empty when it is nowhere.</summary>
    public static async Task<string> DescribeAsync(IImageStore store, string address, string name, IReadOnlyList<string> searched, CancellationToken cancellationToken)
    {
        List<string> places = [];
        if (store.HasNamespaces)
        {
            await FindAsync(store, string.Empty, name, searched, places, cancellationToken).ConfigureAwait(false);
        }

        foreach (EngineAddress other in ImageStores.Others(address))
        {
            IImageStore elsewhere = ImageStores.Open(other, Brief);
            await using (elsewhere.ConfigureAwait(false))
            {
                await FindAsync(elsewhere, $" at {other}", name, [], places, cancellationToken).ConfigureAwait(false);
            }
        }

        return places.Count == 0 ? string.Empty : $" It exists in {string.Join(" and in ", places.Distinct())}.";
    }

    /// <summary>A sentence about the other namespaces of a store that have images; null when there are none.</summary>
    public static async Task<string?> DescribeNeighboursAsync(IImageStore store, IReadOnlyList<string> searched, CancellationToken cancellationToken)
    {
        if (!store.HasNamespaces)
        {
            return null;
        }

        List<string> neighbours = [];
        foreach (string name in (await store.ListNamespacesAsync(cancellationToken).ConfigureAwait(false)).Except(searched, StringComparer.Ordinal))
        {
            IAsyncEnumerator<ContainerImage> images = store.ListAsync(new ImageQuery { Namespaces = [name] }, cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (images.ConfigureAwait(false))
            {
                if (await images.MoveNextAsync().ConfigureAwait(false))
                {
                    neighbours.Add($"'{name}'");
                }
            }
        }

        string listed = string.Join(", ", searched.Select(static n => $"'{n}'"));
        return neighbours.Count == 0 ? null : $"Namespace {listed} of {store.Description} has no images. Namespaces with images: {string.Join(", ", neighbours)}. Use -Namespace to list them.";
    }

    private static async Task FindAsync(IImageStore store, string at, string name, IReadOnlyList<string> searched, List<string> places, CancellationToken cancellationToken)
    {
        try
        {
            ImageNames wanted = new([name]);
            IReadOnlyList<string> namespaces = store.HasNamespaces
                ? [.. (await store.ListNamespacesAsync(cancellationToken).ConfigureAwait(false)).Except(searched, StringComparer.Ordinal)]
                : [];
            if (store.HasNamespaces && namespaces.Count == 0)
            {
                return;
            }

            await foreach (ContainerImage image in store.ListAsync(new ImageQuery { Namespaces = namespaces, Name = wanted.Matches }, cancellationToken).ConfigureAwait(false))
            {
                places.Add(store.HasNamespaces ? $"namespace '{image.Namespace}' of containerd{at}" : $"the Docker Engine{at}");
            }
        }
        catch (Exception exception) when (exception is EngineConnectException or RpcException or DockerEngineException or HttpRequestException or IOException)
        {
            // This is a hint for an error that is reported anyway; a store that does not answer adds nothing.
        }
    }
}
