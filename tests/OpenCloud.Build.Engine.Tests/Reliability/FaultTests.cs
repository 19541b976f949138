using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Reliability;

/// <summary>
/// Connections that break at each frame of a small build (first question, session, context, solve, status, export): each build ends in time, in a
/// result that is whole or in an error that says what happened, and leaves nothing.
/// </summary>
[Collection(nameof(RunAlone))]
public sealed class FaultTests(EngineFixture engines)
{
    private const int SideBySide = 8;

    // The time a session's end is waited for is in it, and a busy machine.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(45);

    // Four intervals of pings besides.
    private static readonly TimeSpan StallBound = TimeSpan.FromSeconds(100);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData(EngineNames.Docker28)]
    public async Task AConnectionThatBreaksAtAnyFrame_EndsTheBuild(string name)
    {
        RunningEngine engine = await engines.GetAsync(EngineNames.GivenAddress is null ? name : EngineNames.Given);
        using ContextFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY . /\n");
        context.Write("file", new string('x', 1000));

        // Once for the engine's cache, so that builds are alike, and once to count.
        await TryAsync(engine, context, Fault.None, default, Bound);
        IReadOnlyList<(int FromClient, int FromEngine)> frames = (await TryAsync(engine, context, Fault.None, default, Bound)).Frames;
        List<(int Connection, bool FromEngine, int Frame)> points =
        [
            .. frames.SelectMany(static (f, c) => Enumerable.Range(0, f.FromClient).Select(i => (c, false, i)).Concat(Enumerable.Range(0, f.FromEngine).Select(i => (c, true, i)))),
        ];
        Assert.True(points.Count > 10, $"{points.Count} points");
        OpenThings before = OpenThings.Count();

        // Those that are cut off wait for most of the time.
        await Task.WhenAll(
            BreakEverywhereAsync(engine, context, points, Fault.Stall, StallBound),
            BreakEverywhereAsync(engine, context, points, Fault.Cut, Bound),
            BreakEverywhereAsync(engine, context, points, Fault.HalfClose, Bound));
        await before.AreAllAsync(Cancellation);
    }

    private static async Task BreakEverywhereAsync(
        RunningEngine engine, ContextFolder context, List<(int Connection, bool FromEngine, int Frame)> points, Fault fault, TimeSpan bound)
    {
        SortedDictionary<string, int> ends = new(StringComparer.Ordinal);
        Stopwatch clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(points, new ParallelOptions { MaxDegreeOfParallelism = fault == Fault.Stall ? points.Count : SideBySide, CancellationToken = Cancellation }, async (point, _) =>
        {
            string end = (await TryAsync(engine, context, fault, point, bound)).End;
            lock (ends)
            {
                ends[end] = ends.GetValueOrDefault(end) + 1;
            }
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{engine.Name}, {fault}: {points.Count} points in {clock.Elapsed.TotalSeconds:0} s: {string.Join("; ", ends.Select(static e => $"{e.Value} x {e.Key}"))}"));
    }

    /// <summary>Builds once over a way with a fault, and checks how it ends.</summary>
    private static async Task<(IReadOnlyList<(int FromClient, int FromEngine)> Frames, string End)> TryAsync(
        RunningEngine engine, ContextFolder context, Fault fault, (int Connection, bool FromEngine, int Frame) point, TimeSpan bound)
    {
        using ContextFolder place = new();
        string archive = place.At("out.tar");
        await using FaultyWay way = new(engine, fault, point);
        string where = $"{fault} at {point}";
        string end;
        try
        {
            EngineConnectOptions impatient = new() { ConnectTimeout = TimeSpan.FromSeconds(10) };
            Task<BuildKitClient> connecting = BuildKitClient.ConnectAsync(EngineAddress.Parse(way.Address), impatient, Cancellation);
            await using BuildKitClient client = await connecting.WaitAsync(bound, Cancellation);
            ImageBuildRequest request = new() { ContextPath = context.Path, Outputs = [new BuildOutput { Type = BuildOutput.Tar, Destination = archive }] };
            ImageBuildResult result = await client.BuildAsync(request, null, Cancellation).WaitAsync(bound, Cancellation);
            end = result.Warnings.Count == 0 ? "a result" : "a result and a warning";
            Assert.True(File.Exists(archive), where);
            Assert.True(await IsWholeAsync(archive), where);
        }
        catch (ImageBuildException e)
        {
            Assert.True(e.Kind == BuildFailureKind.EngineLost, $"{where}: {e.Kind}: {e.Message}");
            Assert.False(File.Exists(archive), where);
            end = e.Kind.ToString();
        }
        catch (Exception e) when (e is EngineConnectException or RpcException)
        {
            end = e is EngineConnectException connect ? $"no connection ({connect.Reason})" : $"no answer ({((RpcException)e).StatusCode})";
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{where}: the build does not end.");
        }

        Assert.True(fault == Fault.None || Directory.GetFileSystemEntries(place.Path).All(f => f == archive), where);
        return (way.Frames, end);
    }

    private static async Task<bool> IsWholeAsync(string archive)
    {
        List<string> names = [];
        await using FileStream file = File.OpenRead(archive);
        await using System.Formats.Tar.TarReader reader = new(file);
        while (await reader.GetNextEntryAsync(cancellationToken: Cancellation) is { } entry)
        {
            names.Add(entry.Name);
        }

        return names.Contains("file") && names.Contains("Dockerfile");
    }
}
