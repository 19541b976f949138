using Grpc.Core;

namespace OpenCloud.Build.Client.Engines.Capabilities;

/// <summary>
/// Calls to the gateway bridge, on which a client replaces the frontend of a build started without one: it calls frontends itself and
/// reports the build's result.
/// </summary>
/// <remarks>Source: moby/buildkit, client/build.go and client/buildid; the daemon waits three seconds until it knows the build.</remarks>
internal static class GatewayCalls
{
    private const string BuildHeader = "buildkit-controlapi-buildid";

    public static CallOptions Of(string buildReference, CancellationToken cancellationToken) =>
        new(new Metadata { { BuildHeader, buildReference } }, cancellationToken: cancellationToken);
}
