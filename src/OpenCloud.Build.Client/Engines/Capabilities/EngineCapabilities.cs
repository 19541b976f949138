using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Gateway;
using OpenCloud.Build.Client.Text;
using SolveRequest = OpenCloud.Build.Client.Protocol.Control.SolveRequest;
using SolveResponse = OpenCloud.Build.Client.Protocol.Control.SolveResponse;

namespace OpenCloud.Build.Client.Engines.Capabilities;

/// <summary>Queries an engine's capabilities.</summary>
/// <remarks>
/// A daemon reports its capabilities on the bridge of a build without a frontend (moby/buildkit, client/build.go and solver/pb/caps.go), so
/// a build is started and canceled. This happens only where an answer decides: embedded daemons report unreliable versions.
/// </remarks>
internal static class EngineCapabilities
{
    /// <summary>Several exporters in one build; since BuildKit 0.13.</summary>
    public const string MultipleExporters = "exporter.multiple";

    /// <summary>Whether the engine has a capability.</summary>
    /// <exception cref="RpcException">The engine did not answer.</exception>
    public static async Task<bool> HasAsync(CallInvoker invoker, string capability, CancellationToken cancellationToken)
    {
        string reference = BuildIdentity.New();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<SolveResponse> build = new Control.ControlClient(invoker)
            .SolveAsync(new SolveRequest { Ref = reference, Cache = new CacheOptions(), Internal = true }, cancellationToken: stop.Token).ResponseAsync;
        try
        {
            LLBBridge.LLBBridgeClient bridge = new(invoker);
            PongResponse answer = await GatewayCalls.BeginAsync(() => bridge.PingAsync(new PingRequest(), GatewayCalls.Of(reference, cancellationToken)), build).ConfigureAwait(false);
            return answer.Llb.Any(c => c.ID == capability && c.Enabled);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)build).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
