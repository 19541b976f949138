using System.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Builds;
using OpenCloud.Build.Client.Tests.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Progress;

/// <summary>Status that begins too early, breaks off, ends early or never comes, and builds that take too long.</summary>
public sealed class StatusFollowerTests
{
    private static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    [Fact]
    public async Task AStatusThatIsAskedForBeforeTheJobIsKnown_IsAskedForAgain()
    {
        TaskCompletionSource known = new();
        await using FakeEngine engine = await FakeEngine.StartAsync(
            async context =>
            {
                await known.Task;
                await FakeEngine.AnswerAsync(context, new SolveResponse());
            },
            async (context, call) =>
            {
                if (call < 3)
                {
                    await FakeEngine.RefuseAsync(context, StatusCode.Unknown, "no such job abc");
                    return;
                }

                known.TrySetResult();
                await SendAllAsync(context, 3, ended: true);
            });
        (ImageBuildResult result, List<string> log) = await engine.BuildAsync();
        Assert.Equal(3, engine.StatusCalls);
        Assert.Empty(result.Warnings);
        Assert.Equal(["#1 RUN it", "#1 1.000 line 1", "#1 2.000 line 2", "#1 3.000 line 3", "#1 DONE 4.0s"], log);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStatusThatEndsEarly_IsTakenUpWithoutRepetition(bool inOrder)
    {
        TaskCompletionSource ended = new();
        await using FakeEngine engine = await FakeEngine.StartAsync(
            async context =>
            {
                await ended.Task;
                await FakeEngine.AnswerAsync(context, new SolveResponse());
            },
            async (context, call) =>
            {
                await SendAllAsync(context, call == 1 ? 2 : 4, ended: call > 1);
                if (call == 1 && !inOrder)
                {
                    context.Abort();
                }

                if (call > 1)
                {
                    ended.TrySetResult();
                }
            });
        (ImageBuildResult result, List<string> log) = await engine.BuildAsync();
        Assert.Empty(result.Warnings);
        Assert.Equal(["#1 RUN it", "#1 1.000 line 1", "#1 2.000 line 2", "#1 3.000 line 3", "#1 4.000 line 4", "#1 DONE 5.0s"], log);
        Assert.Equal(TimeSpan.FromSeconds(5), Assert.Single(result.Steps).Duration);
    }

    [Fact]
    public async Task ABuildThatEndedBeforeItsStatusCame_IsAskedForOnceMore()
    {
        await using FakeEngine engine = await FakeEngine.StartAsync(
            context => FakeEngine.AnswerAsync(context, new SolveResponse()),
            async (context, call) =>
            {
                if (call == 1)
                {
                    await Task.Delay(200, context.RequestAborted);
                    await FakeEngine.RefuseAsync(context, StatusCode.Unknown, "no such job abc");
                    return;
                }

                await SendAllAsync(context, 1, ended: true);
            });
        (ImageBuildResult result, List<string> log) = await engine.BuildAsync();
        Assert.Empty(result.Warnings);
        Assert.Contains("#1 1.000 line 1", log);
    }

    [Theory]
    [InlineData(false, "no log and no steps")]
    [InlineData(true, "may have gaps")]
    public async Task ABuildWithoutItsLog_Warns(bool begins, string warning)
    {
        TaskCompletionSource again = new();
        await using FakeEngine engine = await FakeEngine.StartAsync(
            async context =>
            {
                await again.Task;
                await FakeEngine.AnswerAsync(context, new SolveResponse());
            },
            async (context, call) =>
            {
                if (call > 1)
                {
                    again.TrySetResult();
                }
                else if (begins)
                {
                    await SendAllAsync(context, 1, ended: false, isOpen: true);
                }

                await FakeEngine.RefuseAsync(context, StatusCode.Unknown, "no such job abc");
            });
        (ImageBuildResult result, _) = await engine.BuildAsync();
        Assert.Contains(warning, Assert.Single(result.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABuildThatTakesTooLong_IsStopped()
    {
        TaskCompletionSource stopped = new();
        await using FakeEngine engine = await FakeEngine.StartAsync(
            async context =>
            {
                await context.StartGrpcAsync();
                using CancellationTokenRegistration gone = context.RequestAborted.Register(stopped.SetResult);
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            },
            async (context, _) =>
            {
                await SendAllAsync(context, 1, ended: false, isOpen: true);
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            });
        Stopwatch clock = Stopwatch.StartNew();
        ImageBuildException failure = await Assert.ThrowsAsync<ImageBuildException>(() => engine.BuildAsync(TimeSpan.FromSeconds(1)));
        Assert.Equal(BuildFailureKind.TimedOut, failure.Kind);
        Assert.Contains("00:00:01", failure.Message, StringComparison.Ordinal);
        Assert.Contains("RUN it", failure.Message, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(10));
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

    /// <summary>Sends a step and its first lines, from the beginning as daemons do.</summary>
    private static async Task SendAllAsync(Microsoft.AspNetCore.Http.HttpContext context, int lines, bool ended, bool isOpen = false)
    {
        await context.SendAsync(new StatusResponse { Vertexes = { new Vertex { Digest = "a", Name = "RUN it", Started = At(0) } } });
        for (int i = 1; i <= lines; i++)
        {
            await context.SendAsync(new StatusResponse
            {
                Logs = { new VertexLog { Vertex = "a", Stream = 1, Timestamp = At(i), Msg = ByteString.CopyFromUtf8($"line {i}\n") } },
            });
        }

        if (ended)
        {
            await context.SendAsync(new StatusResponse { Vertexes = { new Vertex { Digest = "a", Name = "RUN it", Started = At(0), Completed = At(lines + 1) } } });
        }

        if (!isOpen)
        {
            context.End();
        }
    }

    private static Timestamp At(int seconds) => Start.AddSeconds(seconds).ToTimestamp();
}
