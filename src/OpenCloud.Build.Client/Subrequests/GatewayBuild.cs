using Grpc.Core;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Wire.Grpc;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>A build without a frontend, whose place this client takes: it asks through the gateway and ends the build.</summary>
internal static class GatewayBuild
{
    /// <summary>Runs questions to the gateway in a build of their own.</summary>
    /// <exception cref="RpcException">The engine refused one, or is gone.</exception>
    public static async Task<T> RunAsync<T>(
        EngineChannel channel,
        BuildSession session,
        string reference,
        SourcePolicy? policy,
        Func<Gateway.LLBBridge.LLBBridgeClient, CancellationToken, Task<T>> ask,
        CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        return await session.WhileOpenAsync(RunAsync(channel, session.Id, reference, policy, ask, stop), stop, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<T> RunAsync<T>(
        EngineChannel channel, string session, string reference, SourcePolicy? policy, Func<Gateway.LLBBridge.LLBBridgeClient, CancellationToken, Task<T>> ask, CancellationTokenSource stop)
    {
        Task<SolveResponse> build = new Control.ControlClient(channel.Pooled).SolveAsync(
            new SolveRequest { Ref = reference, Session = session, Cache = new CacheOptions(), Internal = true, SourcePolicy = policy?.Message },
            cancellationToken: stop.Token).ResponseAsync;
        Gateway.LLBBridge.LLBBridgeClient gateway = new(channel.Pooled);
        try
        {
            Task<T> answer = AskAsync();
            if (await Task.WhenAny(answer, build).ConfigureAwait(false) == build)
            {
                // The build only ends on request, so its end is an error.
                await build.ConfigureAwait(false);
            }

            T result = await answer.ConfigureAwait(false);
            await gateway.ReturnAsync(new Gateway.ReturnRequest { Result = new Gateway.Result { Ref = new Gateway.Ref() } }, GatewayCalls.Of(reference, stop.Token)).ConfigureAwait(false);
            await build.ConfigureAwait(false);
            return result;
        }
        finally
        {
            // Without a cancellation the build would continue as long as the connection.
            await stop.CancelAsync().ConfigureAwait(false);
            await build.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        }

        async Task<T> AskAsync()
        {
            await GatewayCalls.BeginAsync(() => gateway.PingAsync(new Gateway.PingRequest(), GatewayCalls.Of(reference, stop.Token)), build).ConfigureAwait(false);
            return await ask(gateway, stop.Token).ConfigureAwait(false);
        }
    }
}
