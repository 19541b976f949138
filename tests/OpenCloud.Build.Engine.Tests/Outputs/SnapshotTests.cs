using System.Text.Json;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Builds;
using OpenCloud.Build.Engine.Tests.Fixture;
using OpenCloud.Build.Engine.Tests.Images;

namespace OpenCloud.Build.Engine.Tests.Outputs;

/// <summary>Names and snapshots of images that a build leaves in the engine's store.</summary>
public sealed class SnapshotTests(EngineFixture engines)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Docker26, EngineNames.Docker28)]
    public async Task AnImageWithoutAName_HasThePrefixAskedForAndASnapshot(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync($"FROM scratch\nCOPY busybox /bin/busybox\nLABEL unique={Guid.NewGuid():n}\n");
        ImageBuildResult result = await BuildRun.RunAsync(engine, Request(context, ",dangling-name-prefix=ocb-dangling"), Cancellation);

        await using ContainerdStore store = ContainerdStore.Of(engine);
        Assert.Contains(await store.Client.ListImagesAsync("moby", Cancellation), i => i.Name == "ocb-dangling@" + result.Digest);

        // A Docker Engine unpacks always: its images are run from their snapshots.
        Assert.Contains(await SnapshotOfAsync(engine, "moby", result.Digest!), await SnapshotsAsync(engine, "moby"));
    }

    [Theory]
    [EngineData(EngineNames.Containerd1, EngineNames.Containerd2)]
    public async Task OnAContainerdWorker_UnpackMakesTheSnapshot(string name)
    {
        RunningEngine host = await engines.GetAsync(name);
        await using StandaloneBuildKit buildkit = await StandaloneBuildKit.StartAsync(host, containerdWorker: true);
        async Task<(string Snapshot, ImageBuildResult Result)> BuildAsync(string attributes)
        {
            // A layer of its own each time: a snapshot is named by what is in it.
            using ContextFolder context = await ContextFolder.CreateAsync("FROM scratch\nCOPY busybox unique /\n");
            context.Write("unique", Guid.NewGuid().ToString());
            ImageBuildResult result = await BuildRun.RunAsync(buildkit.Engine, Request(context, attributes), Cancellation);
            return (await SnapshotOfAsync(host, StandaloneBuildKit.Namespace, result.Digest!), result);
        }

        (string unpacked, ImageBuildResult named) = await BuildAsync(",name=registry.test/unpacked:1,unpack=true");
        (string packed, _) = await BuildAsync(",name=registry.test/packed:1,unpack=false");
        (string usual, ImageBuildResult dangling) = await BuildAsync(",dangling-name-prefix=ocb-dangling");

        IReadOnlyList<string> snapshots = await SnapshotsAsync(host, StandaloneBuildKit.Namespace);
        Assert.Contains(unpacked, snapshots);
        Assert.DoesNotContain(packed, snapshots);

        // What is built into containerd's store can be run at once, if nothing else is asked for.
        Assert.Contains(usual, snapshots);
        await using ContainerdStore store = ContainerdStore.Of(host);
        IReadOnlyList<Client.Protocol.Containerd.Images.Image> images = await store.Client.ListImagesAsync(StandaloneBuildKit.Namespace, Cancellation);
        Assert.Equal(named.Digest, images.Single(static i => i.Name == "registry.test/unpacked:1").Target.Digest);
        Assert.Contains(images, i => i.Name == "ocb-dangling@" + dangling.Digest);
    }

    private static ImageBuildRequest Request(ContextFolder context, string attributes) =>
        new() { ContextPath = context.Path, Outputs = [BuildOutput.Parse("type=image" + attributes)] };

    /// <summary>The name of the snapshot of an image's only layer, or of its first, which is the layer's uncompressed digest.</summary>
    private static async Task<string> SnapshotOfAsync(RunningEngine engine, string space, string digest)
    {
        JsonElement document = await ImageDocuments.ReadAsync(engine, digest, space);
        if (document.TryGetProperty("manifests", out JsonElement manifests))
        {
            document = await ImageDocuments.ReadAsync(engine, manifests[0].GetProperty("digest").GetString()!, space);
        }

        JsonElement config = await ImageDocuments.ReadAsync(engine, document.GetProperty("config").GetProperty("digest").GetString()!, space);
        return config.GetProperty("rootfs").GetProperty("diff_ids")[0].GetString()!;
    }

    private static async Task<IReadOnlyList<string>> SnapshotsAsync(RunningEngine engine, string space)
    {
        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(
            engine, "ctr", "--address", engine.ContainerdSocket!, "--namespace", space, "snapshots", "ls");
        string text = (await Command.RunAsync(program, arguments, cancellationToken: Cancellation)).Succeeded();
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ')[0])];
    }
}
