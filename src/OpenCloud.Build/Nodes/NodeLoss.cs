using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Nodes;

/// <summary>Whether an error of a build is about its node, which another node may not have.</summary>
internal enum NodeLoss
{
    /// <summary>The build itself failed.</summary>
    None,

    /// <summary>The node could not be reached: nothing was built.</summary>
    NotReached,

    /// <summary>The node was lost during the build.</summary>
    DuringBuild,
}

internal static class NodeLosses
{
    public static NodeLoss Of(BuildErrorException error) => error.InnerException switch
    {
        EngineConnectException or RpcException { StatusCode: StatusCode.Unavailable } => NodeLoss.NotReached,

        // A node that answered an earlier build and is gone now: nothing of this one was sent.
        ImageBuildException { Kind: BuildFailureKind.EngineLost, Steps.Count: 0, InnerException: RpcException { Status.DebugException: EngineConnectException } } => NodeLoss.NotReached,
        ImageBuildException { Kind: BuildFailureKind.EngineLost } => NodeLoss.DuringBuild,
        _ => NodeLoss.None,
    };
}
