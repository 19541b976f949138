using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>
/// The bridge on which a client stands in for the frontend of a build that it began without one: it asks frontends itself and says how the
/// build ends.
/// </summary>
/// <remarks>Source: moby/buildkit, client/build.go and client/buildid; the daemon waits three seconds for the build to be known to it.</remarks>
internal sealed class GatewayClient(GrpcChannel channel, string buildReference)
{
    private const string Service = "/moby.buildkit.v1.frontend.LLBBridge/";
    private const string BuildHeader = "buildkit-controlapi-buildid";

    private static readonly GrpcMethod<PingRequest, PongResponse> PingMethod = new(Service + "Ping", PongResponse.Parser);
    private static readonly GrpcMethod<SolveRequest, SolveResponse> SolveMethod = new(Service + "Solve", SolveResponse.Parser);
    private static readonly GrpcMethod<ReturnRequest, ReturnResponse> ReturnMethod = new(Service + "Return", ReturnResponse.Parser);

    /// <summary>Returns once the daemon knows the build.</summary>
    public Task<PongResponse> PingAsync(CancellationToken cancellationToken) => channel.UnaryAsync(PingMethod, new PingRequest(), Options(), cancellationToken);

    /// <summary>Asks a frontend.</summary>
    public Task<SolveResponse> SolveAsync(SolveRequest request, CancellationToken cancellationToken) => channel.UnaryAsync(SolveMethod, request, Options(), cancellationToken);

    /// <summary>Ends the build.</summary>
    public Task<ReturnResponse> ReturnAsync(ReturnRequest request, CancellationToken cancellationToken) => channel.UnaryAsync(ReturnMethod, request, Options(), cancellationToken);

    private GrpcCallOptions Options()
    {
        GrpcMetadata metadata = new();
        metadata.Add(BuildHeader, buildReference);
        return new GrpcCallOptions { Metadata = metadata };
    }
}
