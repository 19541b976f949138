using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Tests.Context;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Reliability;

/// <summary>
/// A small build of a real engine's, recorded once and replayed up to each of the engine's bytes, on each of its connections: the build ends, says why,
/// and its output is there whole or not at all.
/// </summary>
[Collection(nameof(MeasuredAlone))]
public sealed class BuildReplayTests
{
    /// <summary>Names the engine that is recorded: the path of a buildkitd's socket.</summary>
    private const string EngineVariable = "OPENCLOUD_BUILD_TEST_RECORD";

    /// <summary>1 for every byte; without it a run takes one in so many, and begins at another each time.</summary>
    private const string StrideVariable = "OPENCLOUD_BUILD_TEST_REPLAY_STRIDE";

    private const int UsualStride = 48;
    private const int SideBySide = 24;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cut")]
    [InlineData("half-close")]
    [InlineData("stall")]
    public async Task A_build_whose_engine_breaks_at_any_byte_ends(string fault)
    {
        RecordedBuild recorded = RecordedBuild.Load();
        using TemporaryDirectory context = new();
        RecordedBuild.Fill(context);
        string? whole = null;
        for (int i = 0; i < 3; i++)
        {
            // The first ones also open what the process keeps.
            (string end, string? output, int differences) = await TryAsync(recorded, context.Path, null, 0, fault);
            Assert.Equal("a result", end);
            Assert.Equal(0, differences);
            whole ??= output;
            Assert.Equal(whole, output);
        }

        int stride = int.TryParse(Environment.GetEnvironmentVariable(StrideVariable), CultureInfo.InvariantCulture, out int given) ? given : UsualStride;
        int first = Random.Shared.Next(stride);
        (string Call, int At)[] points =
        [
            .. recorded.Lengths.SelectMany(static l => Enumerable.Range(0, l.Value).Select(i => (l.Key, i))).Where((_, i) => i % stride == first),
        ];
        Assert.InRange(points.Length * stride, 2000, 50_000);
        int descriptors = OpenDescriptors.Count();
        SortedDictionary<string, int> ends = new(StringComparer.Ordinal);
        Stopwatch clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(points, new ParallelOptions { MaxDegreeOfParallelism = SideBySide, CancellationToken = Stop }, async (point, _) =>
        {
            (string end, string? output, int _) = await TryAsync(recorded, context.Path, point.Call, point.At, fault);
            Assert.True(output == (end.StartsWith("a result", StringComparison.Ordinal) ? whole : null), $"{fault} at {point}: {end}, and its output is {output ?? "not there"}");
            lock (ends)
            {
                ends[end] = ends.GetValueOrDefault(end) + 1;
            }
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{fault}: {points.Length} positions in {clock.Elapsed.TotalSeconds:0} s: {string.Join("; ", ends.Select(static e => $"{e.Value} x {e.Key}"))}"));
        Assert.All(ends.Keys, static end => Assert.Contains(end, new[] { "a result", "EngineLost", "no first answer" }));
        Assert.InRange(OpenDescriptors.Count(), 0, descriptors + 2 * SideBySide);
    }

    [Fact(Explicit = true)]
    public async Task Record()
    {
        string engine = Environment.GetEnvironmentVariable(EngineVariable) ?? throw new InvalidOperationException($"{EngineVariable} is not set.");
        using TemporaryDirectory context = new();
        using TemporaryDirectory place = new();
        RecordedBuild.Fill(context);
        await using BuildRecorder recorder = new(engine);
        await using (BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.ForUnixSocket(recorder.Path), null, Stop))
        {
            await client.BuildAsync(RecordedBuild.Request(context.Path, Path.Combine(place.Path, "out.tar")), null, Stop);
        }

        RecordedBuild recorded = await recorder.EndAsync();
        string file = Path.Combine(Path.GetTempPath(), "recorded-build.txt");
        await File.WriteAllTextAsync(file, recorded.Text(), Stop);
        TestContext.Current.TestOutputHelper?.WriteLine($"{file}: {string.Join(", ", recorded.Lengths.Select(static l => $"{l.Key} {l.Value} bytes"))}");
    }

    private static async Task<(string End, string? Output, int Differences)> TryAsync(RecordedBuild recorded, string context, string? call, int at, string fault)
    {
        using TemporaryDirectory place = new();
        string archive = Path.Combine(place.Path, "out.tar");
        string end;
        int differences;
        await using (ReplayedEngine engine = new(recorded, call, at, fault))
        {
            bool isConnected = false;
            try
            {
                EngineConnectOptions options = new() { TimeProvider = engine.Clock };
                await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.ForUnixSocket(engine.Path), options, Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop);
                isConnected = true;
                await client.BuildAsync(RecordedBuild.Request(context, archive), null, Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop);
                end = "a result";
            }
            catch (ImageBuildException e)
            {
                end = e.Kind.ToString();
            }
            catch (Exception e) when (e is EngineConnectException or RpcException)
            {
                end = isConnected ? e.GetType().Name : "no first answer";
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"{fault} at byte {at} of {call}: the build does not end.");
            }

            differences = engine.Differences;
        }

        string[] left = Directory.GetFileSystemEntries(place.Path);
        Assert.All(left, file => Assert.Equal(archive, file));
        return (end, left.Length == 0 ? null : Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(archive, Stop))), differences);
    }
}
