using System.Globalization;
using System.Security.Cryptography;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>What is sent, and that no more than needed is.</summary>
[Collection(nameof(KeepsTheCache))]
public sealed class TransferTests(EngineFixture engines)
{
    private const int ManyFiles = 20_000;
    private const int FileSize = 4096;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task TwentyThousandFiles_AreSentOnceAndThenOnlyWhatChanged(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY files /files/\n");
        byte[] content = new byte[FileSize];
        for (int i = 0; i < ManyFiles; i++)
        {
            BitConverter.TryWriteBytes(content, i);
            string directory = context.At(string.Create(CultureInfo.InvariantCulture, $"files/{i / 200:000}"));
            if (i % 200 == 0)
            {
                Directory.CreateDirectory(directory);
            }

            await File.WriteAllBytesAsync(Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{i:00000}.bin")), content, Cancellation);
        }

        long dockerfile = new FileInfo(context.At("Dockerfile")).Length;
        ImageBuildRequest request = new() { ContextPath = context.Path, NeedsDigest = true };

        ImageBuildResult cold = await BuildRun.RunAsync(engine, request, Cancellation);
        Assert.Equal(ManyFiles + 1, cold.FilesSent);
        Assert.Equal(((long)ManyFiles * FileSize) + dockerfile, cold.BytesSent);

        await ReleasedAsync(engine);
        ImageBuildResult warm = await BuildRun.RunAsync(engine, request, Cancellation);
        // The frontend has the Dockerfile sent whole each time; of the context nothing.
        Assert.Equal((1, dockerfile), (warm.FilesSent, warm.BytesSent));
        Assert.Equal(cold.Digest, warm.Digest);

        await File.WriteAllTextAsync(context.At("files/042/08404.bin"), "changed", Cancellation);
        await ReleasedAsync(engine);
        ImageBuildResult changed = await BuildRun.RunAsync(engine, request, Cancellation);
        Assert.Equal((2, dockerfile + "changed".Length), (changed.FilesSent, changed.BytesSent));
        Assert.NotEqual(cold.Digest, changed.Digest);

        File.Delete(context.At("files/042/08404.bin"));
        await ReleasedAsync(engine);
        ImageBuildResult removed = await BuildRun.RunAsync(engine, request, Cancellation);
        Assert.Equal((1, dockerfile), (removed.FilesSent, removed.BytesSent));
        Assert.NotEqual(changed.Digest, removed.Digest);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{name}: cold {cold.Duration.TotalSeconds:0.0} s, warm {warm.Duration.TotalSeconds:0.0} s, one changed {changed.Duration.TotalSeconds:0.0} s");
    }

    [Theory]
    [EngineData]
    public async Task AGibibyte_ArrivesWhole(string name)
    {
        const long Size = 1L << 30;
        RunningEngine engine = await engines.GetAsync(name);
        using ContextFolder context = await ContextFolder.CreateAsync(
            "FROM scratch AS check\nCOPY busybox /bin/busybox\nCOPY large /large\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox sha256sum /large > /sum && /bin/busybox cat /sum\"]\nFROM scratch\nCOPY --from=check /sum /\n");
        string expected;
        using (IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
        {
            await using FileStream file = File.Create(context.At("large"));
            byte[] block = new byte[1 << 20];
            Random random = new(1);
            for (long at = 0; at < Size; at += block.Length)
            {
                random.NextBytes(block);
                hash.AppendData(block);
                await file.WriteAsync(block, Cancellation);
            }

            expected = Convert.ToHexStringLower(hash.GetHashAndReset());
        }

        (BuildRun run, Task seen) = BuildRun.WatchFor(expected);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        ImageBuildResult result = await client.BuildAsync(new() { ContextPath = context.Path }, run, Cancellation);
        Assert.True(seen.IsCompleted, "the sum the engine computed is another");
        Assert.InRange(result.BytesSent, Size, Size + (4 << 20));

        await ReleasedAsync(engine);
        ImageBuildResult again = await client.BuildAsync(new() { ContextPath = context.Path }, cancellationToken: Cancellation);
        Assert.Equal((1, new FileInfo(context.At("Dockerfile")).Length), (again.FilesSent, again.BytesSent));
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {result.Duration.TotalSeconds:0.0} s, again {again.Duration.TotalSeconds:0.0} s");
    }

    [Theory]
    [EngineData]
    public async Task ManyBuildsSideBySideOnOneClient_AreAllRight(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        await Parallel.ForEachAsync(Enumerable.Range(0, 8), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancellation }, async (i, stop) =>
        {
            using ContextFolder context = new();
            context.Write("Dockerfile", "FROM scratch\nCOPY data /data\n");
            byte[] data = RandomNumberGenerator.GetBytes(4 << 20);
            context.Write("data", data);
            ImageBuildResult result = await client.BuildAsync(new() { ContextPath = context.Path }, cancellationToken: stop);
            Assert.Equal(2, result.FilesSent);
        });
    }

    /// <summary>
    /// Waits until no context is in use. An engine lets go of a build's context a moment after its answer, and has what it still holds sent anew
    /// (moby/buildkit, solver/jobs.go and source/local/source.go).
    /// </summary>
    private static async Task ReleasedAsync(RunningEngine engine)
    {
        await using BuildKitClient client = await BuildRun.ConnectAsync(engine, Cancellation);
        for (int i = 0; i < 50; i++)
        {
            DiskUsageResponse usage = await client.Control.DiskUsageAsync(new DiskUsageRequest(), cancellationToken: Cancellation);
            if (!usage.Record.Any(static record => record.InUse && record.RecordType == "source.local"))
            {
                return;
            }

            await Task.Delay(100, Cancellation);
        }
    }
}
