using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Health;

namespace OpenCloud.Build.Client.Wire.Grpc.Server;

/// <summary>
/// gRPC's health check (the gRPC project's health checking protocol): every served service is healthy. The empty service name means the
/// server as a whole, for which BuildKit asks.
/// </summary>
internal sealed class HealthService(GrpcServer server) : Health.HealthBase
{
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => IsServed(request)
        ? Task.FromResult(Answer(HealthCheckResponse.Types.ServingStatus.Serving))
        : throw CallErrors.Create(StatusCode.NotFound, "The service is not served here.");

    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        HealthCheckResponse answer = Answer(IsServed(request) ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.ServiceUnknown);
        await responseStream.WriteAsync(answer).ConfigureAwait(false);

        // The status never changes, so no further answer follows until the watcher leaves.
        await Task.Delay(Timeout.Infinite, context.CancellationToken).ConfigureAwait(false);
    }

    private static HealthCheckResponse Answer(HealthCheckResponse.Types.ServingStatus status) => new() { Status = status };

    private bool IsServed(HealthCheckRequest request) => request.Service.Length == 0 || server.HasService(request.Service);
}
