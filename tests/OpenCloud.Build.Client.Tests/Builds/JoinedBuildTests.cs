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
    public async Task TheTimeLimit_DoesNotCountWhileTheBuildWaitsForOthers()
    {
        Bridge engine = new();
        Builds set = new(engine) { Others = Task.Delay(TimeSpan.FromMilliseconds(700), TestContext.Current.CancellationToken) };
        using CancellationTokenSource limit = new(TimeSpan.FromMilliseconds(500));

        await RunAsync(engine, set, limit.Token, limit);

        Assert.False(limit.IsCancellationRequested);
        Assert.Equal("Return", engine.Log.Last());
    }

    private static async Task RunAsync(Bridge engine, Builds set, CancellationToken cancellationToken, CancellationTokenSource? limit = null)
    {
        JoinedBuild joined = new(null, new Dictionary<string, SolvedBuild>(), set) { Limit = limit is null ? null : (limit, TimeSpan.FromMinutes(1)) };
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await joined.RunAsync(engine, new SolveRequest { Ref = "ref" }, new Gateway.SolveRequest(), engine.Build.Task, stop);
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

        public TaskCompletionSource<SolveResponse> Build { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => new(
            AnswerAsync<TResponse>(request, options.CancellationToken), Task.FromResult(new Metadata()), static () => Status.DefaultSuccess, static () => [], static () => { });

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        private Task<TResponse> AnswerAsync<TResponse>(object request, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            IMessage answer;
            switch (request)
            {
                case Gateway.SolveRequest solve:
                    Log.Enqueue(solve.Evaluate ? "Solve with steps" : "Solve");
                    answer = new Gateway.SolveResponse { Result = new Gateway.Result { Ref = new Gateway.Ref { Id = "1" } } };
                    break;
                case Gateway.EvaluateRequest evaluate:
                    Log.Enqueue($"Evaluate {evaluate.Ref}");
                    if (!CanEvaluate)
                    {
                        return Task.FromException<TResponse>(CallErrors.Create(StatusCode.Unimplemented, "unknown method Evaluate"));
                    }

                    answer = new Gateway.EvaluateResponse();
                    break;
                default:
                    Log.Enqueue("Return");
                    Build.SetResult(new SolveResponse());
                    answer = new Gateway.ReturnResponse();
                    break;
            }

            return Task.FromResult((TResponse)answer);
        }
    }
}
