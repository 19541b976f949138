using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
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
internal sealed class JoinedBuild(SharedContext? shared, bool isKept, IReadOnlyDictionary<string, SolvedBuild> dependencies)
{
    // How often the daemon is asked for a build that it does not know yet; it waits three seconds or more each time.
    private const int MostAttempts = 5;

    public SharedContext? Shared => shared;

    /// <summary>The result; null before it is known.</summary>
    public SolvedBuild? Solved { get; private set; }

    /// <summary>Moves the frontend from the request of the build to one for the gateway bridge, and adds what other builds made.</summary>
    public Gateway.SolveRequest Divert(SolveRequest build, ImageBuildRequest asked, BuildInputs inputs)
    {
        shared?.AddTo(build.FrontendAttrs, asked, inputs);
        Gateway.SolveRequest request = new() { Frontend = build.Frontend, AllowResultReturn = true, AllowResultArrayRef = true, Evaluate = true };
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
    public async Task<SolveResponse> RunAsync(CallInvoker invoker, SolveRequest build, Gateway.SolveRequest request, Task<SolveResponse> running, CancellationTokenSource stop)
    {
        Gateway.LLBBridge.LLBBridgeClient bridge = new(invoker);
        try
        {
            Task<Gateway.Result> answer = SolveAsync(bridge, request, build.Ref, running, stop.Token);
            if (await Task.WhenAny(answer, running).ConfigureAwait(false) == running)
            {
                // It only ends on request, so its end is an error.
                _ = answer.ContinueWith(static a => _ = a.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                return await running.ConfigureAwait(false);
            }

            Gateway.Result result = await answer.ConfigureAwait(false);
            SolvedBuild solved = new(result);
            if (shared is not null && isKept)
            {
                await shared.KeepAsync(bridge, solved, build.SourcePolicy, stop.Token).ConfigureAwait(false);
            }

            await bridge.ReturnAsync(new Gateway.ReturnRequest { Result = Reference(result) }, GatewayCalls.Of(build.Ref, stop.Token)).ConfigureAwait(false);
            Solved = solved;
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

    /// <summary>Makes the first call of a build that has just been started, and repeats it until the daemon knows the build.</summary>
    public static async Task<T> BeginAsync<T>(Func<AsyncUnaryCall<T>> call, Task running)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await call().ConfigureAwait(false);
            }
            catch (RpcException e) when (attempt < MostAttempts && !running.IsCompleted && e.Status.Detail.Contains("no such job", StringComparison.Ordinal))
            {
                // The daemon is slow to start it.
            }
        }
    }

    private static async Task<Gateway.Result> SolveAsync(Gateway.LLBBridge.LLBBridgeClient bridge, Gateway.SolveRequest request, string reference, Task running, CancellationToken cancellationToken)
    {
        Gateway.SolveResponse response = await BeginAsync(() => bridge.SolveAsync(request, GatewayCalls.Of(reference, cancellationToken)), running).ConfigureAwait(false);
        return response.Result ?? throw CallErrors.Create(StatusCode.Internal, "the frontend's answer has no result");
    }

    // The daemon knows the definitions by the ids.
    private static Gateway.Result Reference(Gateway.Result result)
    {
        Gateway.Result reference = result.Clone();
        foreach (Gateway.Ref made in reference.ResultCase == Gateway.Result.ResultOneofCase.Refs ? reference.Refs.Refs.Values : reference.Ref is { } one ? [one] : [])
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
