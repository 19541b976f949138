using System.Globalization;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Images;
using OpenCloud.Build.Client.Protocol.Containerd.Types;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Images;

/// <summary>Images of containerd 1.7 and 2, against the same questions answered by <c>ctr</c>.</summary>
public sealed class ContainerdImagesTests(EngineFixture engines)
{
    private static readonly string Host = Platform.Current.Architecture;
    private static readonly string Other = Host == "arm64" ? "amd64" : "arm64";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task List_SaysWhatCtrSays(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject single = layout.AddManifest(Host, "single");
        JsonObject host = layout.AddManifest(Host, "multi");
        JsonObject other = layout.AddManifest(Other, "multi");
        JsonObject arm = layout.AddManifest("arm", "multi", "v7");
        JsonObject index = layout.AddIndex(host, other, arm, layout.AddAttestation(host));
        layout.Name(single, "example.com/single:1").Name(index, "example.com/multi:1").Name(index, "docker.io/library/again:2").Complete();
        await store.ImportAsync(layout.Root);
        await store.CtrAsync("images", "label", "example.com/single:1", "colour=green", "shape=round");

        Dictionary<string, Dictionary<string, string>> ctr = await store.CtrTableAsync("images", "ls");
        List<ContainerImage> images = await store.ListAsync();

        Assert.Equal(ctr.Keys.Order(StringComparer.Ordinal), images.Select(static i => i.StoreName));
        foreach (ContainerImage image in images)
        {
            Dictionary<string, string> row = ctr[image.StoreName];
            Assert.Equal(row["TYPE"], image.MediaType);
            Assert.Equal(row["DIGEST"], image.Digest);
            Assert.Equal(row["PLATFORMS"].Split(',').Where(static p => !p.Contains("unknown", StringComparison.Ordinal)).Order(), image.Platforms.Select(static p => p.ToString()).Order());
            Assert.Equal(row["LABELS"], image.StoreLabels.Count == 0 ? "-" : string.Join(',', image.StoreLabels.Select(static l => $"{l.Key}={l.Value}")));

            // ctr counts the index and the platform of this machine.
            long size = image.Platforms.Single(static p => p.Matches(Platform.Current)).ContentSize!.Value
                + (image.MediaType == OciMediaTypes.Index ? index["size"]!.GetValue<int>() : 0);
            Assert.Equal(row["SIZE"], FormatSize(size));
            Assert.True(image.IsComplete);
            Assert.Null(image.Problem);
            Assert.Equal("test", image.Labels["purpose"]);
            Assert.Equal(new DateTimeOffset(2024, 5, 6, 7, 8, 9, TimeSpan.Zero), image.Created);
        }

        ContainerImage multi = images.Single(static i => i.Name == "example.com/multi:1");
        Assert.Equal(1, multi.Attestations);
        Assert.Equal(["again:2", "example.com/multi:1"], multi.RepoTags);
        Assert.Equal(("example.com", "example.com/multi", "1"), (multi.Registry, multi.Repository, multi.Tag));
        long onDisk = Directory.EnumerateFiles(Path.Combine(layout.Root, "blobs", "sha256")).Sum(static f => new FileInfo(f).Length);
        ContainerImage one = images.Single(static i => i.Name == "example.com/single:1");
        Assert.Equal(onDisk - one.ContentSize, multi.ContentSize);
        Assert.Contains(images, static i => i is { Name: "again:2", Reference: "docker.io/library/again:2", Registry: "docker.io", Repository: "again", Tag: "2" });
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task List_UnpackedSizeIsThatOfTheSnapshots(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject image = layout.AddManifest(Host, new string('u', 100_000) + Guid.NewGuid());
        layout.Name(image, "example.com/unpacked:1").Complete();
        string tar = layout.ToTar(store.Folder.At("image.tar"));

        await store.ImportAsync(tar);
        Assert.Null((await store.ListAsync()).Single().UnpackedSize);
        await store.CtrAsync("images", "import", "--local", "--snapshotter", "native", tar);

        ContainerImage unpacked = (await store.ListAsync()).Single();
        string[] usage = (await store.CtrAsync("snapshots", "--snapshotter", "native", "usage", "-b")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        long expected = long.Parse(usage[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        Assert.Equal(expected, unpacked.UnpackedSize);
        Assert.Equal(expected, unpacked.Platforms[0].UnpackedSize);
        Assert.Equal(unpacked.ContentSize + expected, unpacked.Size);
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task List_MissingContentsAreToldNotThrown(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject whole = layout.AddManifest(Host, "whole");
        JsonObject noLayer = layout.AddManifest(Host, "without layer");
        JsonObject host = layout.AddManifest(Host, "host only");
        JsonObject index = layout.AddIndex(host, layout.AddManifest(Other, "never fetched"));
        layout.Name(whole, "example.com/whole:1").Name(noLayer, "example.com/nolayer:1").Name(index, "example.com/partial:1").Complete();
        await store.ImportAsync(layout.Root);
        ContentClient content = store.Client.Content(store.Namespace);
        JsonNode manifest = JsonNode.Parse(await File.ReadAllTextAsync(layout.BlobPath(noLayer["digest"]!.GetValue<string>()), Cancellation))!;
        ContentDigest layer = ContentDigest.Parse(manifest["layers"]![0]!["digest"]!.GetValue<string>());
        await content.DeleteAsync(layer, Cancellation);
        await DeletePlatformAsync(content, layout, index, Other);
        Image nothing = new()
        {
            Name = "example.com/nothing:1",
            Target = new ContentDescriptor { MediaType = OciMediaTypes.Manifest, Digest = "sha256:" + new string('a', 64), Size = 5 },
        };
        await store.Client.CreateImageAsync(store.Namespace, nothing, Cancellation);

        Dictionary<string, ContainerImage> images = (await store.ListAsync()).ToDictionary(static i => i.Name);

        Assert.Equal(4, images.Count);
        Assert.True(images["example.com/whole:1"].IsComplete);
        Assert.False(images["example.com/nolayer:1"].IsComplete);
        Assert.Equal([layer.ToString()], images["example.com/nolayer:1"].Missing);
        Assert.False(images["example.com/nothing:1"].IsComplete);
        Assert.Equal("sha256:" + new string('a', 64), images["example.com/nothing:1"].Missing.Single());
        ContainerImage partial = images["example.com/partial:1"];
        Assert.True(partial.IsComplete);
        Assert.Equal([($"linux/{Host}", true), ($"linux/{Other}", false)], partial.Platforms.Select(static p => (p.Platform, p.IsPresent)));

        // It ends with an error at what is missing altogether, after its table.
        await store.Client.DeleteImageAsync(store.Namespace, nothing.Name, sync: false, Cancellation);
        string check = await store.CtrAsync("images", "check", "--snapshotter", "native");
        Assert.Contains(check.Split('\n'), static l => l.StartsWith("example.com/nolayer:1", StringComparison.Ordinal) && l.Contains("incomplete", StringComparison.Ordinal));
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task List_NamesThatNoGrammarAllows(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject target = layout.AddManifest(Host, "named");
        JsonObject dangling = layout.AddManifest(Host, "dangling");
        layout.Name(target, "example.com/good:1").Name(dangling, "import-2024-01-01@" + dangling["digest"]!.GetValue<string>()).Complete();
        await store.ImportAsync(layout.Root);
        string[] odd = ["UPPER/Case:Tag", "with space", "näme:ü", "a//b", "sha256:" + new string('0', 64), "*[?]", "-"];
        foreach (string name in odd)
        {
            await store.Images.CopyAsync(store.Namespace, "example.com/good:1", name, force: false, Cancellation);
        }

        List<ContainerImage> images = await store.ListAsync();

        string[] quiet = (await store.CtrAsync("images", "ls", "-q")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(quiet.Order(StringComparer.Ordinal), images.Select(static i => i.StoreName));
        Assert.All(odd, name => Assert.Contains(images, i => i.StoreName == name && i is { Tag: "", IsDangling: false, IsComplete: true }));
        Assert.Equal(dangling["digest"]!.GetValue<string>(), images.Single(static i => i.IsDangling).Digest);
        Assert.Single(await store.ListAsync(new ImageQuery { Namespaces = [store.Namespace], Dangling = true }));
        foreach (string name in odd)
        {
            Assert.True(await store.Images.RemoveAsync(store.Namespace, name, false, Cancellation));
        }

        Assert.Equal(2, (await store.ListAsync()).Count);
    }

    private static async Task DeletePlatformAsync(ContentClient content, LayoutBuilder layout, JsonObject index, string architecture)
    {
        JsonNode document = JsonNode.Parse(await File.ReadAllTextAsync(layout.BlobPath(index["digest"]!.GetValue<string>()), Cancellation))!;
        JsonNode manifest = document["manifests"]!.AsArray().Single(m => m!["platform"]!["architecture"]!.GetValue<string>() == architecture)!;
        await content.DeleteAsync(ContentDigest.Parse(manifest["digest"]!.GetValue<string>()), Cancellation);
    }

    // docker/go-units with two decimals, as containerd's progress.Bytes prints.
    private static string FormatSize(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB"];
        double value = bytes;
        int unit = 0;
        while (value >= 1024)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0 ? $"{bytes}.0 B" : value.ToString("0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
