using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Bench;

/// <summary>Lists the images of a containerd's namespace, a line each: what is measured as this project's process.</summary>
internal static class ImageList
{
    /// <summary>The first argument with which this program is that process.</summary>
    public const string Verb = "list-images";

    /// <summary>Lists them.</summary>
    /// <param name="socket">containerd's socket.</param>
    /// <param name="space">The namespace.</param>
    public static async Task WriteAsync(string socket, string space)
    {
        EngineAddress address = EngineAddress.ForUnixSocket(socket);
        EngineConnectOptions options = new();
        await using ContainerdClient client = new(new EngineChannel(EngineConnectors.Create(address, options), options));
        ContainerdImageStore store = new(client, address.ToString());
        await using StreamWriter output = new(Console.OpenStandardOutput(), bufferSize: 1 << 16);
        await foreach (ContainerImage image in store.ListAsync(new ImageQuery { Namespaces = [space] }, CancellationToken.None))
        {
            await output.WriteLineAsync(
                $"{image.Name} {image.MediaType} {image.Digest} {image.ContentSize} {string.Join(',', image.Platforms.Select(platform => platform.Platform))}");
        }
    }
}
