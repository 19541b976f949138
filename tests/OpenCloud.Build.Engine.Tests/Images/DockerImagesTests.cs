using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Images;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Images;

/// <summary>A Docker Engine's own images, against the same questions answered by <c>docker</c>.</summary>
public sealed class DockerImagesTests(EngineFixture engines)
{
    private static readonly string Host = Platform.Current.Architecture;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task List_SaysWhatDockerSays(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using PeerClient docker = await PeerClient.CreateAsync(engine);
        await using DockerImageStore store = Open(engine);
        using ContextFolder folder = new();
        string run = "list-" + Guid.NewGuid().ToString("n")[..8];
        LayoutBuilder layout = new(folder.At("layout"));
        JsonObject single = layout.AddManifest(Host, "single" + run, labels: new JsonObject { ["colour"] = "green" });
        JsonObject host = layout.AddManifest(Host, "multi" + run);
        JsonObject index = layout.AddIndex(host, layout.AddManifest("s390x", "other" + run), layout.AddAttestation(host));
        layout.Name(single, $"example.com/{run}/single:1").Name(single, $"docker.io/library/{run}:2").Name(index, $"docker.io/{run}/multi:1").Complete();
        await ImportAsync(store, layout.Root);

        List<ContainerImage> images = await ListAsync(store, run);

        Assert.Equal([$"example.com/{run}/single:1", $"{run}/multi:1", $"{run}:2"], images.Select(static i => i.Name).Order(StringComparer.Ordinal));
        Assert.Contains($"docker.io/library/{run}:2", images.Select(static i => i.Reference));
        foreach (ContainerImage image in images)
        {
            using JsonDocument document = JsonDocument.Parse(await docker.RunAsync(Cancellation, "image", "inspect", image.Name));
            JsonElement inspected = document.RootElement[0];
            Assert.Equal(inspected.GetProperty("Id").GetString(), image.Id);
            Assert.Equal(Strings(inspected, "RepoTags"), image.RepoTags.Order(StringComparer.Ordinal));
            Assert.Equal(Strings(inspected, "RepoDigests"), image.RepoDigests.Order(StringComparer.Ordinal));
            Assert.Equal(inspected.GetProperty("Created").GetDateTimeOffset(), image.Created);
            Assert.Equal(
                inspected.GetProperty("Config").GetProperty("Labels").EnumerateObject().ToDictionary(static p => p.Name, static p => p.Value.GetString()!), image.Labels);
            Assert.Contains($"{inspected.GetProperty("Os").GetString()}/{inspected.GetProperty("Architecture").GetString()}", image.Platforms.Select(static p => p.ToString()));

            string[] row = (await docker.RunAsync(Cancellation, "image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Repository}} {{.Tag}} {{.Size}}", image.Name)).Trim().Split(' ');
            Assert.Equal((row[0], row[1], row[2]), (image.Id, image.Repository, image.Tag));
            Assert.Equal(row[3], FormatSize(image.Size));
        }

        ContainerImage multi = images.Single(i => i.Name == $"{run}/multi:1");
        Assert.Equal(index["digest"]!.GetValue<string>(), multi.Digest);
        Assert.Equal("docker.io", multi.Registry);
        if (name == EngineNames.Docker28)
        {
            Assert.Equal([$"linux/{Host}", "linux/s390x"], multi.Platforms.Select(static p => p.ToString()).Order());
            Assert.Equal(1, multi.Attestations);
            Assert.Equal(OciMediaTypes.Index, multi.MediaType);
        }

        Assert.Single(await ListAsync(store, run, new ImageQuery { Digest = multi.Digest![7..19] }));
        await RemoveAllAsync(store, run);
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task List_MissingContentsAndOddNamesAreWhatDockerSays(string name)
    {
        // An engine of its own: what is broken here would be in every other listing.
        await using PrivateEngine broken = await EngineFixture.StartPrivateAsync(name);
        using PeerClient docker = await PeerClient.CreateAsync(broken.Engine);
        await using DockerImageStore store = Open(broken.Engine);
        await using ContainerdStore below = ContainerdStore.Of(broken.Engine);
        using ContextFolder folder = new();
        LayoutBuilder layout = new(folder.At("layout"));
        JsonObject whole = layout.AddManifest(Host, "whole");
        JsonObject noManifest = layout.AddManifest(Host, "no manifest");
        JsonObject noLayer = layout.AddManifest(Host, "no layer");
        JsonObject here = layout.AddManifest(Host, "here");
        JsonObject gone = layout.AddManifest("s390x", "gone");
        JsonObject index = layout.AddIndex(here, gone, layout.AddAttestation(here));
        layout.Name(whole, "docker.io/odd/whole:1").Name(noManifest, "docker.io/odd/nomanifest:1").Name(noLayer, "docker.io/odd/nolayer:1").Name(index, "docker.io/odd/partial:1").Complete();
        await ImportAsync(store, layout.Root);
        ContentClient content = below.Client.Content("moby");
        JsonNode document = JsonNode.Parse(await File.ReadAllTextAsync(layout.BlobPath(noLayer["digest"]!.GetValue<string>()), Cancellation))!;
        foreach (string digest in new[] { noManifest["digest"]!.GetValue<string>(), gone["digest"]!.GetValue<string>(), document["layers"]![0]!["digest"]!.GetValue<string>() })
        {
            await content.DeleteAsync(ContentDigest.Parse(digest), Cancellation);
        }

        // Docker itself makes no such names; others who use the same store do.
        Image record = (await below.Client.GetImageAsync("moby", "docker.io/odd/whole:1", Cancellation))!;
        foreach (string odd in new[] { "UPPER/Case:Tag", "with space", "docker.io/odd//twice:1" })
        {
            record.Name = odd;
            await below.Client.CreateImageAsync("moby", record, Cancellation);
        }

        List<ContainerImage> images = [];
        await foreach (ContainerImage image in store.ListAsync(new ImageQuery(), Cancellation))
        {
            images.Add(image);
        }

        string said = await docker.RunAsync(Cancellation, "image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}");
        List<string> names = [.. images.Select(static i => $"{i.Id} {i.Name}")];

        // docker leaves out what it cannot take apart; the engine has told of it.
        names.Remove($"{whole["digest"]} with space");
        Assert.Equal(said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        foreach (ContainerImage image in images.Where(static i => i.Name.StartsWith("odd/", StringComparison.Ordinal)))
        {
            bool isBroken = image.Name is "odd/nomanifest:1" or "odd/nolayer:1";
            Assert.Equal((image.Name, !isBroken), (image.Name, image.IsComplete));
            Assert.Equal(isBroken, image.Problem is not null);
            Assert.Equal(isBroken, image.Created is null);
        }

        ContainerImage partial = images.Single(static i => i.Name == "odd/partial:1");
        if (name == EngineNames.Docker28)
        {
            Assert.Equal([($"linux/{Host}", true), ("linux/s390x", false)], partial.Platforms.Select(static p => (p.Platform, p.IsPresent)).OrderByDescending(static p => p.IsPresent));
            Assert.Contains(images, static i => i.Name == "odd/nolayer:1");
        }
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task ImportCopyExportRemove(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using PeerClient docker = await PeerClient.CreateAsync(engine);
        await using DockerImageStore store = Open(engine);
        using ContextFolder folder = new();
        string run = "move-" + Guid.NewGuid().ToString("n")[..8];
        LayoutBuilder layout = new(folder.At("layout"));
        JsonObject image = layout.AddManifest(Host, run);
        JsonObject another = layout.AddManifest(Host, "another" + run);
        layout.Name(image, $"docker.io/{run}/a:1").Complete();

        ImageImportResult first = await ImportAsync(store, layout.Root);
        ImageImportResult second = await ImportAsync(store, layout.ToTar(folder.At("layout.tar")), names: $"{run}/b:1");
        Assert.Equal((3, 0L, 0, 3), (first.ContentsMoved, second.BytesMoved, second.ContentsMoved, second.ContentsPresent));
        Assert.Equal(2, (await ListAsync(store, run)).Count);

        await store.CopyAsync("", $"{run}/a:1", $"{run}/c:1", force: false, Cancellation);
        Assert.Equal([$"{run}/a:1", $"{run}/b:1", $"{run}/c:1"], (await ListAsync(store, run))[0].RepoTags.Order(StringComparer.Ordinal));
        ImageNameException absent = await Assert.ThrowsAsync<ImageNameException>(() => store.CopyAsync("", $"{run}/none:1", $"{run}/d:1", false, Cancellation));
        Assert.False(absent.Exists);
        LayoutBuilder other = new(layout.Root);
        other.Name(another, $"docker.io/{run}/other:1").Complete();
        await ImportAsync(store, layout.Root);
        Assert.True((await Assert.ThrowsAsync<ImageNameException>(() => store.CopyAsync("", $"{run}/a:1", $"{run}/other:1", false, Cancellation))).Exists);

        string exported = folder.At("exported.tar");
        await using (FileStream file = File.Create(exported))
        {
            await store.ExportAsync("", [$"{run}/a:1"], [], new TarOutput(file), null, Cancellation);
        }

        Assert.True(await store.RemoveAsync("", $"{run}/a:1", false, Cancellation));
        Assert.False(await store.RemoveAsync("", $"{run}/a:1", false, Cancellation));
        Assert.True(await store.RemoveAsync("", $"{run}/b:1", false, Cancellation));
        Assert.True(await store.RemoveAsync("", $"{run}/c:1", false, Cancellation));
        string loaded = await docker.RunAsync(Cancellation, "load", "--input", exported);
        Assert.Contains($"{run}/a:1", loaded, StringComparison.Ordinal);
        Assert.Equal(image["digest"]!.GetValue<string>(), (await ListAsync(store, run + "/a"))[0].Id);
        string saved = folder.At("saved.tar");
        await docker.RunAsync(Cancellation, "save", "--output", saved, $"{run}/a:1");
        await RemoveAllAsync(store, run);
        await ImportAsync(store, saved);
        Assert.Equal(image["digest"]!.GetValue<string>(), (await ListAsync(store, run))[0].Id);
        await RemoveAllAsync(store, run);
    }

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task Import_OfDamagedContentsSendsNothing(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using DockerImageStore store = Open(engine);
        using ContextFolder folder = new();
        string run = "bad-" + Guid.NewGuid().ToString("n")[..8];
        LayoutBuilder layout = new(folder.At("layout"));
        JsonObject image = layout.AddManifest(Host, run);
        layout.Name(image, $"docker.io/{run}/a:1").Complete();
        JsonNode manifest = JsonNode.Parse(await File.ReadAllTextAsync(layout.BlobPath(image["digest"]!.GetValue<string>()), Cancellation))!;
        string layer = layout.BlobPath(manifest["layers"]![0]!["digest"]!.GetValue<string>());
        byte[] bytes = await File.ReadAllBytesAsync(layer, Cancellation);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(layer, bytes, Cancellation);

        await Assert.ThrowsAsync<OciFormatException>(() => ImportAsync(store, layout.Root));

        Assert.Empty(await ListAsync(store, run));
    }

    private static DockerImageStore Open(RunningEngine engine)
    {
        return new DockerImageStore(new DockerEngineClient(EngineAddress.Parse(engine.Address), new EngineConnectOptions()));
    }

    private static async Task<ImageImportResult> ImportAsync(DockerImageStore store, string path, params string[] names)
    {
        using ImageArchive archive = await ImageArchive.OpenAsync(path, Cancellation);
        ImageImportResult sum = new(0, 0, 0);
        foreach (ArchivedImage image in archive.Images)
        {
            ImageImportResult one = await store.ImportAsync("", archive, image.Target, names.Length > 0 ? names : image.Names, new ImageImportOptions([], false, null), Cancellation);
            sum = new ImageImportResult(sum.BytesMoved + one.BytesMoved, sum.ContentsMoved + one.ContentsMoved, sum.ContentsPresent + one.ContentsPresent);
        }

        return sum;
    }

    private static async Task<List<ContainerImage>> ListAsync(DockerImageStore store, string part, ImageQuery? query = null)
    {
        List<ContainerImage> images = [];
        await foreach (ContainerImage image in store.ListAsync((query ?? new ImageQuery()) with { Name = n => n.Contains(part, StringComparison.Ordinal) }, Cancellation))
        {
            images.Add(image);
        }

        return images;
    }

    private static async Task RemoveAllAsync(DockerImageStore store, string part)
    {
        foreach (ContainerImage image in await ListAsync(store, part))
        {
            await store.RemoveAsync("", image.Name, true, Cancellation);
        }
    }

    private static IEnumerable<string?> Strings(JsonElement parent, string name)
    {
        return parent.GetProperty(name).EnumerateArray().Select(static v => v.GetString()).Order(StringComparer.Ordinal);
    }

    // docker/go-units HumanSizeWithPrecision(size, 3): decimal units, three significant digits.
    private static string FormatSize(long bytes)
    {
        string[] units = ["B", "kB", "MB", "GB"];
        double value = bytes;
        int unit = 0;
        while (value >= 1000)
        {
            value /= 1000;
            unit++;
        }

        return value.ToString("G3", System.Globalization.CultureInfo.InvariantCulture) + units[unit];
    }
}
