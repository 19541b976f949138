using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Protocol.Capabilities;
using OpenCloud.Build.Client.Protocol.Control;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>What an engine says it can do.</summary>
/// <remarks>
/// A daemon tells its capabilities on the bridge of a build that has no frontend (moby/buildkit, client/build.go and solver/pb/caps.go), so one is
/// begun and given up. It is asked only where an answer decides: a version would not tell, since embedded daemons have odd ones.
/// </remarks>
internal static class EngineCapabilities
{
    /// <summary>Several exporters in one build; since BuildKit 0.13.</summary>
    public const string MultipleExporters = "exporter.multiple";

    private const string BuildHeader = "buildkit-controlapi-buildid";

    private static readonly GrpcMethod<PingRequest, PongResponse> Ping = new("/moby.buildkit.v1.frontend.LLBBridge/Ping", PongResponse.Parser);

    /// <summary>Asks whether an engine has a capability.</summary>
    /// <exception cref="GrpcException">It did not answer.</exception>
    public static async Task<bool> HasAsync(ControlClient control, string capability, CancellationToken cancellationToken)
    {
        string reference = BuildIdentity.New();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<SolveResponse> build = control.SolveAsync(new SolveRequest { Ref = reference, Cache = new CacheOptions(), Internal = true }, stop.Token);
        try
        {
            GrpcMetadata metadata = new();
            metadata.Add(BuildHeader, reference);
            PongResponse answer = await control.Channel
                .UnaryAsync(Ping, new PingRequest(), new GrpcCallOptions { Metadata = metadata }, cancellationToken).ConfigureAwait(false);
            return answer.Llb.Any(c => c.ID == capability && c.Enabled);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)build).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
