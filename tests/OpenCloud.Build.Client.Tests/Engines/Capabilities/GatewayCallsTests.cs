using Grpc.Core;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Protocol.Gateway;
using OpenCloud.Build.Client.Wire;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Capabilities;

/// <summary>The first call of a build that the daemon is slow to start.</summary>
public sealed class GatewayCallsTests
{
    private readonly TaskCompletionSource _build = new();
    private int _calls;

    [Fact]
    public async Task TheFirstCall_IsRepeatedUntilTheDaemonKnowsTheBuild()
    {
        PongResponse answer = new();

        Assert.Same(answer, await GatewayCalls.BeginAsync(() => Call(_calls < 2 ? Task.FromException<PongResponse>(Unknown()) : Task.FromResult(answer)), _build.Task));
        Assert.Equal(3, _calls);
    }

    [Fact]
    public async Task TheFirstCall_IsNotRepeatedForEver_NorForABuildThatHasEnded_NorAfterAnotherError()
    {
        await Assert.ThrowsAsync<RpcException>(() => GatewayCalls.BeginAsync(() => Call(Task.FromException<PongResponse>(Unknown())), _build.Task));
        Assert.Equal(5, _calls);

        await Assert.ThrowsAsync<RpcException>(() => GatewayCalls.BeginAsync(() => Call(Task.FromException<PongResponse>(CallErrors.Create(StatusCode.Unknown, "other"))), _build.Task));
        Assert.Equal(6, _calls);

        _build.SetResult();
        await Assert.ThrowsAsync<RpcException>(() => GatewayCalls.BeginAsync(() => Call(Task.FromException<PongResponse>(Unknown())), _build.Task));
        Assert.Equal(7, _calls);
    }

    private static RpcException Unknown() => CallErrors.Create(StatusCode.Unknown, "no such job abc");

    private AsyncUnaryCall<PongResponse> Call(Task<PongResponse> answer)
    {
        _calls++;
        return new AsyncUnaryCall<PongResponse>(answer, Task.FromResult(new Metadata()), static () => Status.DefaultSuccess, static () => [], static () => { });
    }
}
