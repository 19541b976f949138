using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.BuildKit;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Transport;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Reliability;

/// <summary>A small build whose answers break after each byte that the engine sends, on each of its connections: it ends, and says why.</summary>
[Collection(nameof(Grpc.Server.SessionMemoryTests))]
public sealed class BuildReplayTests
{
    private const int SideBySide = 8;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_build_whose_answers_break_at_any_byte_ends(bool isHalf)
    {
        await using FakeEngine engine = await FakeEngine.StartAsync(
            static context => FakeEngine.AnswerAsync(context, new SolveResponse { ExporterResponse = { ["containerimage.digest"] = "sha256:" + new string('a', 64) } }),
            static (context, _) => FakeEngine.AnswerAsync(context, Status()));
        using TemporaryDirectory folder = new();
        folder.File("Dockerfile", "FROM scratch\n");
        IReadOnlyList<long> lengths = [];
        for (int i = 0; i < 3; i++)
        {
            // The first ones also open what the process keeps.
            (string end, lengths) = await TryAsync(engine, folder.Path, -1, 0, isHalf);
            Assert.Equal("a result", end);
        }

        int descriptors = Descriptors();
        List<(int Connection, long At)> points = [.. lengths.SelectMany(static (length, c) => Enumerable.Range(0, (int)length).Select(i => (c, (long)i)))];
        Assert.InRange(points.Count, 100, 5000);
        SortedDictionary<string, int> ends = new(StringComparer.Ordinal);
        Stopwatch clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(points, new ParallelOptions { MaxDegreeOfParallelism = SideBySide, CancellationToken = Stop }, async (point, _) =>
        {
            (string end, IReadOnlyList<long> _) = await TryAsync(engine, folder.Path, point.Connection, point.At, isHalf);
            lock (ends)
            {
                ends[end] = ends.GetValueOrDefault(end) + 1;
            }
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(isHalf ? "half-close" : "cut")}: {points.Count} positions in {clock.Elapsed.TotalSeconds:0} s: {string.Join("; ", ends.Select(static e => $"{e.Value} x {e.Key}"))}"));
        Assert.All(ends.Keys, static end => Assert.Contains(end, new[] { "a result", "EngineLost", "no first answer" }));
        Assert.InRange(Descriptors(), 0, descriptors + 2 * SideBySide);
    }

    private static async Task<(string End, IReadOnlyList<long> Passed)> TryAsync(FakeEngine engine, string context, int connection, long at, bool isHalf)
    {
        await using ByteWay way = new(engine.Path, connection, at, isHalf);
        string end;
        bool isConnected = false;
        try
        {
            await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.ForUnixSocket(way.Path), null, Stop);
            isConnected = true;
            await client.BuildAsync(new ImageBuildRequest { ContextPath = context }, null, Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop);
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

        return (end, way.Passed);
    }

    private static StatusResponse Status() => new()
    {
        Vertexes = { new Vertex { Digest = "sha256:d", Name = "[1/1] COPY . /", Started = new() { Seconds = 1 }, Completed = new() { Seconds = 2 } } },
        Logs = { new VertexLog { Vertex = "sha256:d", Msg = ByteString.CopyFromUtf8("a line\n") } },
    };

    private static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
