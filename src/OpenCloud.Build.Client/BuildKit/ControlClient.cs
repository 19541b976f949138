using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Threading;

namespace OpenCloud.Build.Client.BuildKit;

/// <summary>BuildKit's control service (api/services/control/control.proto) on a channel.</summary>
internal sealed class ControlClient(GrpcChannel channel)
{
    private const string Service = "/moby.buildkit.v1.Control/";

    internal static readonly GrpcMethod<SolveRequest, SolveResponse> SolveMethod = new(Service + "Solve", SolveResponse.Parser);
    internal static readonly GrpcMethod<StatusRequest, StatusResponse> StatusMethod = new(Service + "Status", StatusResponse.Parser);
    internal static readonly GrpcMethod<InfoRequest, InfoResponse> InfoMethod = new(Service + "Info", InfoResponse.Parser);
    internal static readonly GrpcMethod<ListWorkersRequest, ListWorkersResponse> ListWorkersMethod = new(Service + "ListWorkers", ListWorkersResponse.Parser);
    internal static readonly GrpcMethod<DiskUsageRequest, DiskUsageResponse> DiskUsageMethod = new(Service + "DiskUsage", DiskUsageResponse.Parser);
    internal static readonly GrpcMethod<PruneRequest, UsageRecord> PruneMethod = new(Service + "Prune", UsageRecord.Parser);
    internal static readonly GrpcMethod<BuildHistoryRequest, BuildHistoryEvent> ListenBuildHistoryMethod = new(Service + "ListenBuildHistory", BuildHistoryEvent.Parser);
    internal static readonly GrpcMethod<UpdateBuildHistoryRequest, UpdateBuildHistoryResponse> UpdateBuildHistoryMethod = new(Service + "UpdateBuildHistory", UpdateBuildHistoryResponse.Parser);
    internal const string SessionPath = Service + "Session";

    /// <summary>The channel that the calls go over.</summary>
    public GrpcChannel Channel { get; } = channel;

    /// <summary>Runs a build; ends when it has ended. Cancelling stops the build on the daemon.</summary>
    public Task<SolveResponse> SolveAsync(SolveRequest request, CancellationToken cancellationToken) =>
        Channel.UnaryAsync(SolveMethod, request, null, cancellationToken);

    /// <summary>The same on a connection of its own; see <see cref="GrpcChannel.UnaryExclusiveAsync"/>.</summary>
    public Task<SolveResponse> SolveAsync(SolveRequest request, WorkQueue work, CancellationToken cancellationToken) =>
        Channel.UnaryExclusiveAsync(SolveMethod, request, work, cancellationToken);

    /// <summary>The events of a build until it has ended. It may be asked for before the build is known to the daemon.</summary>
    public IAsyncEnumerable<StatusResponse> StatusAsync(string reference, CancellationToken cancellationToken) =>
        Channel.ServerStreamAsync(StatusMethod, new StatusRequest { Ref = reference }, null, cancellationToken);

    /// <summary>The same on a connection of its own; see <see cref="GrpcChannel.ServerStreamExclusiveAsync"/>.</summary>
    public IAsyncEnumerable<StatusResponse> StatusAsync(string reference, WorkQueue work, CancellationToken cancellationToken) =>
        Channel.ServerStreamExclusiveAsync(StatusMethod, new StatusRequest { Ref = reference }, work, cancellationToken);

    /// <summary>Opens the byte stream on which the daemon calls back, as HTTP/2's client.</summary>
    /// <param name="metadata">The session's headers: x-docker-expose-session-uuid, -name, -sharedkey and -grpc-method (session/session.go).</param>
    /// <param name="work">See <see cref="GrpcChannel.OpenExclusiveAsync"/>.</param>
    /// <param name="cancellationToken">Stops opening it.</param>
    public async Task<BytesMessageStream> SessionAsync(GrpcMetadata metadata, WorkQueue work, CancellationToken cancellationToken) =>
        new(await Channel.OpenExclusiveAsync(SessionPath, metadata, work, cancellationToken).ConfigureAwait(false));

    /// <summary>The daemon's version. Daemons before 0.12 do not have the call (Unimplemented), and Docker's may answer without a version.</summary>
    public Task<InfoResponse> InfoAsync(GrpcCallOptions? options, CancellationToken cancellationToken) =>
        Channel.UnaryAsync(InfoMethod, new InfoRequest(), options, cancellationToken);

    /// <summary>The workers and what they can build.</summary>
    public Task<ListWorkersResponse> ListWorkersAsync(ListWorkersRequest request, GrpcCallOptions? options, CancellationToken cancellationToken) =>
        Channel.UnaryAsync(ListWorkersMethod, request, options, cancellationToken);

    /// <summary>The same on a connection of its own.</summary>
    public Task<ListWorkersResponse> ListWorkersAsync(WorkQueue work, CancellationToken cancellationToken) =>
        Channel.UnaryExclusiveAsync(ListWorkersMethod, new ListWorkersRequest(), work, cancellationToken);

    /// <summary>The records of the build cache.</summary>
    public Task<DiskUsageResponse> DiskUsageAsync(DiskUsageRequest request, CancellationToken cancellationToken) =>
        Channel.UnaryAsync(DiskUsageMethod, request, null, cancellationToken);

    /// <summary>Clears build cache and tells each record as it goes.</summary>
    public IAsyncEnumerable<UsageRecord> PruneAsync(PruneRequest request, CancellationToken cancellationToken) =>
        Channel.ServerStreamAsync(PruneMethod, request, null, cancellationToken);

    /// <summary>Builds, past and running; goes on with new ones unless the request has EarlyExit.</summary>
    public IAsyncEnumerable<BuildHistoryEvent> ListenBuildHistoryAsync(BuildHistoryRequest request, CancellationToken cancellationToken) =>
        Channel.ServerStreamAsync(ListenBuildHistoryMethod, request, null, cancellationToken);

    /// <summary>Pins, releases, finalizes or deletes a record of the build history.</summary>
    public Task<UpdateBuildHistoryResponse> UpdateBuildHistoryAsync(UpdateBuildHistoryRequest request, CancellationToken cancellationToken) =>
        Channel.UnaryAsync(UpdateBuildHistoryMethod, request, null, cancellationToken);
}
