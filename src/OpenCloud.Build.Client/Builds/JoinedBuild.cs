using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// What a build of a set has in common with the others: a context that is sent once, and results that it uses or others use. The client calls the
/// frontend itself, through the gateway bridge, because the engine tells nobody else the definition of the result.
/// </summary>
/// <remarks>Source: moby/buildkit, client/build.go and frontend/gateway/grpcclient/client.go; buildx solves all builds this way.</remarks>
internal sealed class JoinedBuild(SharedContext? shared, IReadOnlyDictionary<string, SolvedBuild> dependencies, IBuildOfSet set)
{
    public SharedContext? Shared => shared;

    /// <summary>The time limit of the build, which pauses while the build waits for others; null without one.</summary>
    public TimeLimit? Limit { get; set; }

    /// <summary>Moves the frontend from the request of the build to one for the gateway bridge, and adds what other builds made.</summary>
    public Gateway.SolveRequest Divert(SolveRequest build, ImageBuildRequest asked, BuildInputs inputs)
    {
        shared?.AddTo(build.FrontendAttrs, asked, inputs);
        Gateway.SolveRequest request = new() { Frontend = build.Frontend, AllowResultReturn = true, AllowResultArrayRef = true };
        request.FrontendOpt.Add(build.FrontendAttrs);
        foreach ((string attribute, string target) in inputs.Targets)
        {
            dependencies[target].AddTo(request, attribute, target);
        }

        // The attributes stay, for the engine's history and its attestations.
        build.Frontend = string.Empty;
        return request;
    }

    /// <summary>Solves the request in a build that has been started, and returns when the build has ended.</summary>
    /// <exception cref="RpcException">The build failed.</exception>
    /// <exception cref="ImageBuildException">The result of another build that it uses is missing.</exception>
    public async Task<SolveResponse> RunAsync(CallInvoker invoker, SolveRequest build, Gateway.SolveRequest request, Task<SolveResponse> running, CancellationTokenSource stop)
    {
        Gateway.LLBBridge.LLBBridgeClient bridge = new(invoker);
        try
        {
            Task solving = SolveAsync(bridge, request, build, running, stop.Token);
            if (await Task.WhenAny(solving, running).ConfigureAwait(false) == running && !running.IsCompletedSuccessfully)
            {
                // It ends only on request, so its end is an error. An answer that arrives now must not announce a result.
                await stop.CancelAsync().ConfigureAwait(false);
                await solving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return await running.ConfigureAwait(false);
            }

            await solving.ConfigureAwait(false);
        }
        catch (RpcException failure)
        {
            await ReportAsync(bridge, failure, build.Ref, running, stop).ConfigureAwait(false);
            throw;
        }
        catch
        {
            // The build would wait for this client as long as the connection lasts.
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return await running.ConfigureAwait(false);
    }

    /// <summary>
    /// Asks the frontend, which runs no steps yet, so that the builds that use the result can do the same, and then has the engine run the steps. Steps
    /// of other builds must have run before: they may need the secrets of those builds, and an error is that of the build whose step it is.
    /// </summary>
    private async Task SolveAsync(Gateway.LLBBridge.LLBBridgeClient bridge, Gateway.SolveRequest request, SolveRequest build, Task running, CancellationToken cancellationToken)
    {
        Gateway.Result result = ResultOf(await GatewayCalls.BeginAsync(() => bridge.SolveAsync(request, Options()), running).ConfigureAwait(false));
        SolvedBuild solved = new(result);
        set.Know(solved);
        await WaitForOthersAsync(cancellationToken).ConfigureAwait(false);
        bool isKept = shared is not null && set.IsOfUse && (set.IsUsed || !shared.Keeps(solved));
        if (set.IsUsed || isKept)
        {
            result = await EvaluateAsync(bridge, result, request, build.Ref, cancellationToken).ConfigureAwait(false);
            solved.End(isBuilt: true);
        }

        if (isKept)
        {
            await shared!.KeepAsync(solved, build.SourcePolicy, cancellationToken).ConfigureAwait(false);
        }

        await bridge.ReturnAsync(new Gateway.ReturnRequest { Result = Reference(result) }, Options()).ConfigureAwait(false);

        CallOptions Options() => GatewayCalls.Of(build.Ref, cancellationToken);
    }

    private async Task WaitForOthersAsync(CancellationToken cancellationToken)
    {
        Task others = set.WaitForOthersAsync(cancellationToken);
        if (!others.IsCompleted)
        {
            Limit?.Pause();
            await others.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Limit?.Resume();
        }

        await others.ConfigureAwait(false);
    }

    /// <summary>Has the engine run the steps of all platforms, until one fails, and returns the result to end the build with.</summary>
    private static async Task<Gateway.Result> EvaluateAsync(Gateway.LLBBridge.LLBBridgeClient bridge, Gateway.Result result, Gateway.SolveRequest request, string reference, CancellationToken cancellationToken)
    {
        using CancellationTokenSource failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> evaluations = [.. RefsOf(result).Where(static r => r.Id.Length > 0)
            .Select(r => bridge.EvaluateAsync(new Gateway.EvaluateRequest { Ref = r.Id }, GatewayCalls.Of(reference, failed.Token)).ResponseAsync)];
        Task? first = null;
        await foreach (Task ended in Task.WhenEach(evaluations).ConfigureAwait(false))
        {
            if (!ended.IsCompletedSuccessfully && first is null)
            {
                first = ended;
                await failed.CancelAsync().ConfigureAwait(false);
            }
        }

        try
        {
            await (first ?? Task.CompletedTask).ConfigureAwait(false);
            return result;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            // BuildKit before 0.10: the frontend is asked again, with the steps.
            Gateway.SolveRequest again = request.Clone();
            again.Evaluate = true;
            return ResultOf(await bridge.SolveAsync(again, GatewayCalls.Of(reference, cancellationToken)).ConfigureAwait(false));
        }
    }

    private static Gateway.Result ResultOf(Gateway.SolveResponse response) => response.Result ?? throw CallErrors.Create(StatusCode.Internal, "the frontend's answer has no result");

    private static IEnumerable<Gateway.Ref> RefsOf(Gateway.Result result) =>
        result.ResultCase == Gateway.Result.ResultOneofCase.Refs ? result.Refs.Refs.Values : result.Ref is { } one ? [one] : [];

    // The daemon knows the definitions by the ids.
    private static Gateway.Result Reference(Gateway.Result result)
    {
        Gateway.Result reference = result.Clone();
        foreach (Gateway.Ref made in RefsOf(reference))
        {
            made.Def = null;
        }

        return reference;
    }

    /// <summary>Ends the build with the error, so that the engine's history has it; the build is stopped where this fails, too.</summary>
    private static async Task ReportAsync(Gateway.LLBBridge.LLBBridgeClient bridge, RpcException failure, string reference, Task running, CancellationTokenSource stop)
    {
        if (running.IsCompleted)
        {
            return;
        }

        Protocol.Rpc.Status error = new() { Code = (int)failure.StatusCode, Message = failure.Status.Detail };
        error.Details.Add(CallErrors.DetailsOf(failure));
        try
        {
            await bridge.ReturnAsync(new Gateway.ReturnRequest { Error = error }, GatewayCalls.Of(reference, stop.Token)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or EngineConnectException or OperationCanceledException)
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }

        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
