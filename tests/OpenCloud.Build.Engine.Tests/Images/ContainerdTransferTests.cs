using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Containerd.Images;
using OpenCloud.Build.Client.Protocol.Containerd.Types;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Images;

/// <summary>Moving images in and out of containerd 1.7 and 2, and its garbage collector's part in it.</summary>
public sealed class ContainerdTransferTests(EngineFixture engines)
{
    private static readonly string Host = Platform.Current.Architecture;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Import_MovesOnlyWhatTheStoreDoesNotHave(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject index = layout.AddIndex(layout.AddManifest(Host, "a" + Guid.NewGuid()), layout.AddManifest("s390x", "b" + Guid.NewGuid()));
        layout.Name(index, "example.com/app:1").Complete();
        long all = Directory.EnumerateFiles(Path.Combine(layout.Root, "blobs", "sha256")).Sum(static f => new FileInfo(f).Length);

        ImageImportResult first = await store.ImportAsync(layout.Root);
        ImageImportResult second = await store.ImportAsync(layout.Root, false, "example.com/other:1");
        ImageImportResult forced = await store.ImportAsync(layout.Root, true, "example.com/other:1");

        Assert.Equal((all, 7, 0), (first.BytesMoved, first.ContentsMoved, first.ContentsPresent));
        Assert.Equal((0L, 0, 7), (second.BytesMoved, second.ContentsMoved, second.ContentsPresent));
        Assert.Equal((all, 7), (forced.BytesMoved, forced.ContentsMoved));
        Assert.Equal(["example.com/app:1", "example.com/other:1"], (await store.ListAsync()).Select(static i => i.Name));
        Assert.Empty(await store.Client.ListLeasesAsync(store.Namespace, Cancellation));

        // The collector must find its way from the name to all contents, and to none when the names have gone.
        await CollectAsync(store);
        Assert.Equal(7, (await store.ContentsAsync()).Count);
        Assert.True(await store.Images.RemoveAsync(store.Namespace, "example.com/app:1", false, Cancellation));
        Assert.Equal(7, (await store.ContentsAsync()).Count);
        Assert.True(await store.Images.RemoveAsync(store.Namespace, "example.com/other:1", false, Cancellation));
        Assert.Empty(await store.ContentsAsync());
        Assert.False(await store.Images.RemoveAsync(store.Namespace, "example.com/other:1", false, Cancellation));
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Import_OfWhatAnotherNamespaceHasSendsNoContent(string engine)
    {
        await using ContainerdStore one = await ContainerdStore.CreateAsync(engines, engine);
        await using ContainerdStore two = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = one.NewLayout();
        layout.Name(layout.AddManifest(Host, "shared" + Guid.NewGuid()), "example.com/shared:1").Complete();
        await one.ImportAsync(layout.Root);

        ImageImportResult result = await two.ImportAsync(layout.Root);

        Assert.Equal((0L, 3), (result.BytesMoved, result.ContentsMoved));
        Assert.True((await two.ListAsync()).Single().IsComplete);
        await CollectAsync(two);
        Assert.Equal(3, (await two.ContentsAsync()).Count);
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Import_ThatFailsLeavesNothingBehind(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject good = layout.AddManifest(Host, "good" + Guid.NewGuid());
        JsonObject bad = layout.AddManifest("s390x", new string('b', 3_000_000) + Guid.NewGuid());
        JsonObject index = layout.AddIndex(good, bad);
        layout.Name(index, "example.com/bad:1").Complete();
        JsonNode manifest = JsonNode.Parse(await File.ReadAllTextAsync(layout.BlobPath(bad["digest"]!.GetValue<string>()), Cancellation))!;
        string layer = layout.BlobPath(manifest["layers"]![0]!["digest"]!.GetValue<string>());
        byte[] bytes = await File.ReadAllBytesAsync(layer, Cancellation);
        bytes[^9] ^= 1;
        await File.WriteAllBytesAsync(layer, bytes, Cancellation);

        OciFormatException error = await Assert.ThrowsAsync<OciFormatException>(() => store.ImportAsync(layout.Root));

        Assert.Contains("does not match its digest", error.Message, StringComparison.Ordinal);
        Assert.Empty(await store.ContentsAsync());
        Assert.Empty(await store.ListAsync());
        Assert.Empty(await store.Client.ListLeasesAsync(store.Namespace, Cancellation));
        Assert.DoesNotContain("opencloud-build", await store.CtrAsync("content", "active"), StringComparison.Ordinal);
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Import_ForceReplacesADamagedContent(string engine)
    {
        await using PrivateEngine own = await EngineFixture.StartPrivateAsync(engine);
        await using ContainerdStore store = ContainerdStore.Of(own.Engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject image = layout.AddManifest(Host, "damaged" + Guid.NewGuid());
        layout.Name(image, "example.com/damaged:1").Complete();
        await store.ImportAsync(layout.Root);
        string digest = JsonNode.Parse(await File.ReadAllTextAsync(layout.BlobPath(image["digest"]!.GetValue<string>()), Cancellation))!["layers"]![0]!["digest"]!.GetValue<string>();
        string blob = $"{own.Engine.Folder}/data/containerd/io.containerd.content.v1.content/blobs/sha256/{digest["sha256:".Length..]}";
        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(
            own.Engine, "busybox", "sh", "-c", $"busybox chmod u+w {blob} && printf X | busybox dd of={blob} bs=1 seek=20 conv=notrunc");
        (await Command.RunAsync(program, arguments, cancellationToken: Cancellation)).Succeeded();

        await Assert.ThrowsAsync<OciFormatException>(() => ExportAsync(store, "example.com/damaged:1"));
        await store.ImportAsync(layout.Root, force: true);

        Assert.NotEmpty(await ExportAsync(store, "example.com/damaged:1"));
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Export_IsWhatCtrImports(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        JsonObject host = layout.AddManifest(Host, "exported" + Guid.NewGuid());
        JsonObject index = layout.AddIndex(host, layout.AddManifest("s390x", "too" + Guid.NewGuid()), layout.AddAttestation(host));
        layout.Name(index, "example.com/out:1").Complete();
        await store.ImportAsync(layout.Root);
        List<string> before = await store.ContentsAsync();

        byte[] tar = await ExportAsync(store, "example.com/out:1");
        Assert.Equal(tar, await ExportAsync(store, "example.com/out:1"));
        string path = store.Folder.At("out.tar");
        await File.WriteAllBytesAsync(path, tar, Cancellation);
        string directory = store.Folder.At("out");
        Directory.CreateDirectory(directory);
        await store.Images.ExportAsync(store.Namespace, ["example.com/out:1"], [], new DirectoryOutput(directory), null, Cancellation);
        await store.Images.RemoveAsync(store.Namespace, "example.com/out:1", false, Cancellation);
        Assert.Empty(await store.ContentsAsync());

        await store.CtrAsync("images", "import", "--local", "--all-platforms", "--no-unpack", path);

        ContainerImage image = (await store.ListAsync()).Single();
        Assert.Equal(("example.com/out:1", index["digest"]!.GetValue<string>()), (image.Name, image.Digest));
        Assert.True(image.IsComplete);
        Assert.Equal(1, image.Attestations);
        // ctr keeps the archive's index.json as a content, too.
        Assert.Empty(before.Except(await store.ContentsAsync()));
        await store.Images.RemoveAsync(store.Namespace, "example.com/out:1", false, Cancellation);
        await store.ImportAsync(directory);
        Assert.Equal(before, await store.ContentsAsync());

        // And the other way round: what ctr exports is imported here.
        string theirs = store.Folder.At("ctr.tar");
        await store.CtrAsync("images", "export", "--local", "--all-platforms", theirs, "example.com/out:1");
        await store.Images.RemoveAsync(store.Namespace, "example.com/out:1", false, Cancellation);
        await store.ImportAsync(theirs);
        Assert.Equal(before, await store.ContentsAsync());
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Import_OfAnOldDockerArchive(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        string root = store.Folder.At("docker");
        byte[] layer = LayoutBuilder.Tar("file", "old" + Guid.NewGuid());
        byte[] config = Encoding.UTF8.GetBytes(
            $$$"""{"architecture":"{{{Host}}}","os":"linux","config":{"Labels":{"purpose":"old"}},"rootfs":{"type":"layers","diff_ids":["sha256:{{{Hash(layer)}}}","sha256:{{{Hash(layer)}}}"]}}""");
        Directory.CreateDirectory(Path.Combine(root, "one"));
        Directory.CreateDirectory(Path.Combine(root, "two"));
        await File.WriteAllBytesAsync(Path.Combine(root, "one", "layer.tar"), layer, Cancellation);
        File.CreateSymbolicLink(Path.Combine(root, "two", "layer.tar"), "../one/layer.tar");
        await File.WriteAllBytesAsync(Path.Combine(root, Hash(config) + ".json"), config, Cancellation);
        await File.WriteAllTextAsync(Path.Combine(root, "manifest.json"), $$"""[{"Config":"{{Hash(config)}}.json","RepoTags":["old/app:1"],"Layers":["one/layer.tar","two/layer.tar"]}]""", Cancellation);
        string tar = new LayoutBuilder(root).ToTar(store.Folder.At("docker.tar"));
        await File.WriteAllBytesAsync(store.Folder.At("docker.tar.gz"), LayoutBuilder.Gzip(await File.ReadAllBytesAsync(tar, Cancellation)), Cancellation);

        ImageImportResult first = await store.ImportAsync(tar);
        ImageImportResult again = await store.ImportAsync(store.Folder.At("docker.tar.gz"));

        ContainerImage image = (await store.ListAsync()).Single();
        Assert.Equal(3, first.ContentsMoved);
        Assert.Equal((0L, 0), (again.BytesMoved, again.ContentsMoved));
        Assert.Equal(("old/app:1", "docker.io/old/app:1"), (image.Name, image.Reference));
        Assert.Equal("old", image.Labels["purpose"]);
        Assert.True(image.IsComplete);
        await CollectAsync(store);
        Assert.Equal(3, (await store.ContentsAsync()).Count);
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task Import_IsRunAtOnce(string engine)
    {
        // No snapshot is made by the import: whoever runs an image makes it, as ctr does here.
        RunningEngine builder = await engines.GetAsync(EngineNames.Docker28);
        RunningEngine host = await engines.GetAsync(engine);
        await using ContainerdStore store = ContainerdStore.Of(host);
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo {store.Namespace} > /said\"]\n");
        string archive = store.Folder.At("built.tar");
        await BuildRun.RunAsync(
            builder, new() { ContextPath = context.Path, Tags = ["registry.test/run:1"], Outputs = [BuildOutput.Parse($"type=oci,dest={archive}")] }, Cancellation);
        await store.ImportAsync(archive);

        string said = await store.CtrAsync(
            "run", "--rm", "--cgroup", $"/{Path.GetFileName(host.Folder)}/{store.Namespace}", "registry.test/run:1", store.Namespace, "/bin/busybox", "cat", "/said");

        Assert.Equal(store.Namespace, said.Trim());
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task List_FiveThousandImages(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        LayoutBuilder layout = store.NewLayout();
        for (int i = 0; i < 100; i++)
        {
            JsonObject host = layout.AddManifest(Host, $"{i} {store.Namespace}");
            layout.Name(layout.AddIndex(host, layout.AddAttestation(host)), $"example.com/many-{i:000}:0");
        }

        layout.Complete();
        await store.ImportAsync(layout.Root);
        foreach (ContainerImage image in await store.ListAsync())
        {
            Image record = new()
            {
                Target = new ContentDescriptor { MediaType = image.MediaType, Digest = image.Digest, Size = new FileInfo(layout.BlobPath(image.Id)).Length },
            };
            for (int copy = 1; copy < 50; copy++)
            {
                record.Name = image.Name[..^1] + copy;
                await store.Client.CreateImageAsync(store.Namespace, record, Cancellation);
            }
        }

        GC.Collect();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0;
        int count = 0;
        string last = "";
        long started = Stopwatch.GetTimestamp();
        TimeSpan? firstAfter = null;
        await foreach (ContainerImage image in store.Images.ListAsync(new ImageQuery { Namespaces = [store.Namespace] }, Cancellation))
        {
            firstAfter ??= Stopwatch.GetElapsedTime(started);
            Assert.True(string.CompareOrdinal(last, image.Name) < 0);
            Assert.True(image.IsComplete);
            last = image.Name;
            if (++count % 500 == 0)
            {
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        TimeSpan ours = Stopwatch.GetElapsedTime(started);
        started = Stopwatch.GetTimestamp();
        await store.CtrAsync("images", "ls");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} images in {ours.TotalSeconds:0.00} s, the first after {firstAfter?.TotalSeconds:0.00} s, {most >> 10} KiB held at most; ctr images ls: {Stopwatch.GetElapsedTime(started).TotalSeconds:0.00} s");
        Assert.Equal(5000, count);
        Assert.InRange(most, 0, 24L << 20);
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task List_MoreThanOneMessageHolds(string engine)
    {
        await using ContainerdStore store = await ContainerdStore.CreateAsync(engines, engine);
        const int Count = 1000;
        Image record = new() { Target = new ContentDescriptor { MediaType = OciMediaTypes.Manifest, Size = 2 } };
        for (int label = 0; label < 5; label++)
        {
            record.Labels["label-" + label] = new string('x', 4000);
        }

        for (int i = 0; i < Count; i++)
        {
            record.Name = $"example.com/heavy-{i:0000}:1";
            record.Target.Digest = "sha256:" + Hash(BitConverter.GetBytes(i));
            await store.Client.CreateImageAsync(store.Namespace, record, Cancellation);
        }

        // containerd's own client is refused: the service's answer is too large for one message.
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => store.CtrAsync("images", "ls", "-q"));
        Assert.Contains("larger than max", refused.Message, StringComparison.Ordinal);

        List<ContainerImage> images = await store.ListAsync();
        Assert.Equal(Enumerable.Range(0, Count).Select(static i => $"example.com/heavy-{i:0000}:1"), images.Select(static i => i.Name));
        Assert.All(images, static i => Assert.False(i.IsComplete));
        Assert.All(images, static i => Assert.Equal(5, i.StoreLabels.Count));
    }

    private static async Task<byte[]> ExportAsync(ContainerdStore store, string name)
    {
        using MemoryStream stream = new();
        await store.Images.ExportAsync(store.Namespace, [name], [], new TarOutput(stream), null, Cancellation);
        return stream.ToArray();
    }

    private static Task CollectAsync(ContainerdStore store)
    {
        return store.Client.CollectAsync(store.Namespace, Cancellation);
    }

    private static string Hash(byte[] bytes)
    {
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
