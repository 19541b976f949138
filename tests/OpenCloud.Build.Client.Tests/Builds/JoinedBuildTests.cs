using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire;
using Xunit;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Tests.Builds;

/// <summary>What a build of a set asks the engine, in which order, and how long it waits for others.</summary>
public sealed class JoinedBuildTests
{
    [Fact]
    public async Task AResultThatOthersUse_IsKnownBeforeItsStepsRun()
    {
        Bridge engine = new();
        Builds set = new(engine) { IsUsed = true };

        await RunAsync(engine, set, CancellationToken.None);

        Assert.Equal(["Solve", "known", "waited", "Evaluate 1", "Return"], engine.Log);
        Assert.True(await set.Solved!.Outcome);
    }

    [Fact]
    public async Task AResultThatNobodyUses_IsReturnedAtOnce()
    {
        Bridge engine = new();
        Builds set = new(engine);

        await RunAsync(engine, set, CancellationToken.None);

        Assert.Equal(["Solve", "known", "waited", "Return"], engine.Log);
    }

    [Fact]
    public async Task AnEngineThatCannotEvaluateAResult_SolvesItWithItsSteps()
    {
        Bridge engine = new() { CanEvaluate = false };
        Builds set = new(engine) { IsUsed = true };

        await RunAsync(engine, set, CancellationToken.None);

        Assert.Equal(["Solve", "known", "waited", "Evaluate 1", "Solve with steps", "Return"], engine.Log);
    }

    [Fact]
    public async Task TheTimeLimit_PausesWhileTheBuildWaitsForOthers()
    {
        Bridge engine = new();
        TaskCompletionSource others = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Builds set = new(engine) { Others = others.Task };
        using TimeLimit limit = new(TimeSpan.FromMinutes(10), CancellationToken.None);

        Task running = RunAsync(engine, set, limit.Token, limit);
        Assert.True(limit.IsPaused);
        others.SetResult();
        await running;

        Assert.False(limit.IsPaused);
        Assert.Equal("Return", engine.Log.Last());
    }

    [Fact]
    public void ATimeLimit_GoesOnWithTheTimeThatWasLeft()
    {
        SteppedClock clock = new();
        using TimeLimit limit = new(TimeSpan.FromMinutes(10), CancellationToken.None, clock);
        clock.Now += TimeSpan.FromMinutes(9);
        limit.Pause();
        clock.Now += TimeSpan.FromMinutes(60);
        limit.Resume();

        Assert.Equal(TimeSpan.FromMinutes(1), limit.Left);
        clock.Now += TimeSpan.FromMinutes(5);
        limit.Pause();
        Assert.Equal(TimeSpan.Zero, limit.Left);
        limit.Resume();
        Assert.True(limit.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task AFailingPlatform_EndsTheOthers_AndItsErrorIsTheBuilds()
    {
        Bridge engine = new() { Refs = ["slow", "bad", "slower"] };
        Builds set = new(engine) { IsUsed = true };

        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => RunAsync(engine, set, TestContext.Current.CancellationToken));

        Assert.Equal("the step failed", failure.Status.Detail);
        Assert.Equal(["slow", "slower"], engine.Cancelled.Order());
    }

    [Fact]
    public async Task ABuildThatFailsFirst_AnnouncesNoResultAfterItsEnd()
    {
        Bridge engine = new() { HoldsSolve = true };
        Builds set = new(engine) { IsUsed = true };
        Task running = RunAsync(engine, set, TestContext.Current.CancellationToken);
        engine.Build.SetException(CallErrors.Create(StatusCode.Unknown, "the build failed"));

        await Assert.ThrowsAsync<RpcException>(() => running);

        Assert.Equal(["Solve"], engine.Log);
        Assert.Null(set.Solved);
    }

    private static async Task RunAsync(Bridge engine, Builds set, CancellationToken cancellationToken, TimeLimit? limit = null)
    {
        JoinedBuild joined = new(null, new Dictionary<string, SolvedBuild>(), set) { Limit = limit };
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await joined.RunAsync(engine, new SolveRequest { Ref = "ref" }, new Gateway.SolveRequest(), engine.Build.Task, stop);
    }

    private sealed class SteppedClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    private sealed class Builds(Bridge engine) : IBuildOfSet
    {
        public bool IsUsed { get; init; }

        public bool IsOfUse => IsUsed;

        public Task Others { get; init; } = Task.CompletedTask;

        public SolvedBuild? Solved { get; private set; }

        public void Know(SolvedBuild solved)
        {
            Solved = solved;
            engine.Log.Enqueue("known");
        }

        public async Task WaitForOthersAsync(CancellationToken cancellationToken)
        {
            await Others.WaitAsync(cancellationToken);
            engine.Log.Enqueue("waited");
        }
    }

    /// <summary>The bridge of one build, which ends when the client returns its result.</summary>
    private sealed class Bridge : CallInvoker
    {
        public ConcurrentQueue<string> Log { get; } = [];

        public bool CanEvaluate { get; init; } = true;

        /// <summary>Whether the frontend answers only when the call is cancelled.</summary>
        public bool HoldsSolve { get; init; }

        /// <summary>The results of the platforms. One named bad fails; the others end only when they are cancelled.</summary>
        public IReadOnlyList<string> Refs { get; init; } = [];

        public ConcurrentBag<string> Cancelled { get; } = [];

        public TaskCompletionSource<SolveResponse> Build { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => new(
            AnswerAsync<TResponse>(request, options.CancellationToken), Task.FromResult(new Metadata()), static () => Status.DefaultSuccess, static () => [], static () => { });

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        private async Task<TResponse> AnswerAsync<TResponse>(object request, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            IMessage answer;
            switch (request)
            {
                case Gateway.SolveRequest solve:
                    Log.Enqueue(solve.Evaluate ? "Solve with steps" : "Solve");
                    if (HoldsSolve)
                    {
                        await Task.Delay(Timeout.Infinite, cancellationToken);
                    }

                    answer = new Gateway.SolveResponse { Result = Result() };
                    break;
                case Gateway.EvaluateRequest evaluate:
                    Log.Enqueue($"Evaluate {evaluate.Ref}");
                    if (!CanEvaluate)
                    {
                        throw CallErrors.Create(StatusCode.Unimplemented, "unknown method Evaluate");
                    }

                    if (Refs.Count > 0)
                    {
                        await EvaluateAsync(evaluate.Ref, cancellationToken);
                    }

                    answer = new Gateway.EvaluateResponse();
                    break;
                default:
                    Log.Enqueue("Return");
                    Build.TrySetResult(new SolveResponse());
                    answer = new Gateway.ReturnResponse();
                    break;
            }

            return (TResponse)answer;
        }

        private Gateway.Result Result()
        {
            if (Refs.Count == 0)
            {
                return new Gateway.Result { Ref = new Gateway.Ref { Id = "1" } };
            }

            Gateway.RefMap map = new();
            foreach (string name in Refs)
            {
                map.Refs[name] = new Gateway.Ref { Id = name };
            }

            return new Gateway.Result { Refs = map };
        }

        private async Task EvaluateAsync(string name, CancellationToken cancellationToken)
        {
            if (name == "bad")
            {
                throw CallErrors.Create(StatusCode.Unknown, "the step failed");
            }

            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Cancelled.Add(name);
                throw;
            }
        }
    }
}
