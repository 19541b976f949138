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

    // How often the daemon is asked for a build that it does not know yet; it waits three seconds or more each time.
    private const int MostAttempts = 5;

    public static CallOptions Of(string buildReference, CancellationToken cancellationToken) =>
        new(new Metadata { { BuildHeader, buildReference } }, cancellationToken: cancellationToken);

    /// <summary>Makes the first call of a build that has just been started, and repeats it until the daemon knows the build.</summary>
    /// <param name="call">Makes the call.</param>
    /// <param name="build">The build; when it has ended the call is not repeated.</param>
    /// <exception cref="RpcException">The call failed.</exception>
    public static async Task<T> BeginAsync<T>(Func<AsyncUnaryCall<T>> call, Task build)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await call().ConfigureAwait(false);
            }
            catch (RpcException e) when (attempt < MostAttempts && !build.IsCompleted && e.Status.Detail.Contains("no such job", StringComparison.Ordinal))
            {
                // The daemon is slow to start it.
            }
        }
    }
}
