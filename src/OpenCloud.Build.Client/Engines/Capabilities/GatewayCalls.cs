using Grpc.Core;

namespace OpenCloud.Build.Client.Engines.Capabilities;

/// <summary>
/// Calls to the bridge on which a client stands in for the frontend of a build that it began without one: it asks frontends itself and says
/// how the build ends.
/// </summary>
/// <remarks>Source: moby/buildkit, client/build.go and client/buildid; the daemon waits three seconds for the build to be known to it.</remarks>
internal static class GatewayCalls
{
    private const string BuildHeader = "buildkit-controlapi-buildid";

    /// <summary>The options of a call about a build.</summary>
    public static CallOptions Of(string buildReference, CancellationToken cancellationToken) =>
        new(new Metadata { { BuildHeader, buildReference } }, cancellationToken: cancellationToken);
}
