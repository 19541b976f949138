using Google.Protobuf;
using OpenCloud.Build.Client.Protocol.Health;

namespace OpenCloud.Build.Client.Grpc.Server;

/// <summary>
/// gRPC's health check (the gRPC project's health checking protocol): what is served is healthy. The service of the empty name is the
/// server as a whole, for which BuildKit asks.
/// </summary>
internal static class HealthService
{
    internal const string CheckPath = "/grpc.health.v1.Health/Check";
    internal const string WatchPath = "/grpc.health.v1.Health/Watch";

    /// <summary>Adds the service's methods.</summary>
    internal static void AddTo(GrpcServer server)
    {
        server.AddUnary(CheckPath, HealthCheckRequest.Parser, (request, _, _) => IsServed(server, request)
            ? Task.FromResult<IMessage>(Answer(HealthCheckResponse.Types.ServingStatus.Serving))
            : throw new GrpcException(new GrpcStatus(GrpcStatusCode.NotFound, "The service is not served here.")));
        server.Add(WatchPath, (call, cancellationToken) => WatchAsync(server, call, cancellationToken));
    }

    private static async Task WatchAsync(GrpcServer server, GrpcServerCall call, CancellationToken cancellationToken)
    {
        HealthCheckRequest request = await call.ReadAsync(HealthCheckRequest.Parser, cancellationToken).ConfigureAwait(false) ?? new HealthCheckRequest();
        HealthCheckResponse answer = Answer(IsServed(server, request)
            ? HealthCheckResponse.Types.ServingStatus.Serving
            : HealthCheckResponse.Types.ServingStatus.ServiceUnknown);
        await call.WriteAsync(answer, cancellationToken).ConfigureAwait(false);

        // The status never changes, so there is nothing more to say until the watcher leaves.
        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
    }

    private static bool IsServed(GrpcServer server, HealthCheckRequest request) => request.Service.Length == 0 || server.HasService(request.Service);

    private static HealthCheckResponse Answer(HealthCheckResponse.Types.ServingStatus status) => new() { Status = status };
}
