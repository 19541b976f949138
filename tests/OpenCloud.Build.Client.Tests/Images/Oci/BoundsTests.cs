using System.IO.Compression;
using System.Text;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Session;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.Oci;

/// <summary>What an archive or an engine may cost this machine, however small it is when it comes.</summary>
public sealed class BoundsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ocb-bounds-").FullName;

    [Fact]
    public async Task Layers_are_unpacked_up_to_a_bound()
    {
        using MemoryStream layer = new();
        using (GZipStream zip = new(layer, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            zip.Write(new byte[8 << 20]);
        }

        Assert.InRange(layer.Length, 1, 64 << 10);
        File.WriteAllBytes(Path.Combine(_folder, "layer.tar"), layer.ToArray());
        File.WriteAllText(Path.Combine(_folder, "config.json"), $$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["{{{ContentDigest.Of(new byte[8 << 20])}}}"]}}""");
        File.WriteAllText(Path.Combine(_folder, "manifest.json"), """[{"Config":"config.json","RepoTags":["a:b"],"Layers":["layer.tar"]}]""");
        using DirectoryTree tree = new(_folder);
        (IReadOnlyList<ArchivedImage> images, _) = await DockerArchive.ConvertAsync(tree, TestContext.Current.CancellationToken, 8 << 20);
        Assert.Single(images);
        OciFormatException error = await Assert.ThrowsAsync<OciFormatException>(() => DockerArchive.ConvertAsync(tree, TestContext.Current.CancellationToken, (8 << 20) - 1));
        Assert.Contains("when unpacked", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_layout_takes_a_bounded_number_of_contents()
    {
        LayoutContentStore store = LayoutContentStore.OpenWrite(_folder, long.MaxValue, maxContents: 3);
        for (int number = 0; number < 3; number++)
        {
            using IContentWriter writer = store.CreateWriter()!;
            await writer.WriteAsync(Encoding.ASCII.GetBytes($"{number}"), TestContext.Current.CancellationToken);
            writer.Commit();
        }

        Assert.Throws<IOException>(store.CreateWriter);
        Assert.Equal(3, Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Length);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
