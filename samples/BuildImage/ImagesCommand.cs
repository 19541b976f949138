using System.Globalization;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;

namespace BuildImage;

/// <summary>Lists the images of a store: a Docker Engine's, or containerd's with all its namespaces.</summary>
internal static class ImagesCommand
{
    public static async Task<int> RunAsync(EngineAddress? address, CancellationToken cancellationToken)
    {
        await using IImageStore store = ImageStores.Open(address);
        Console.WriteLine($"{"Namespace",-12} {"Name",-48} {"Size",12} Platforms");
        await foreach (ContainerImage image in store.ListAsync(new ImageQuery(), cancellationToken))
        {
            string size = (image.Size / 1048576.0).ToString("0.0 MiB", CultureInfo.InvariantCulture);
            Console.WriteLine($"{image.Namespace,-12} {image.Name,-48} {size,12} {string.Join(' ', image.Platforms)}");
        }

        return ExitCodes.Done;
    }
}
