using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Gateway;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Tests.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Builds;

/// <summary>The session that several builds of a set share, on an engine that answers in it when the test says so.</summary>
public sealed class SharedContextTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _kept = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _givenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TemporaryDirectory _folder = new();
    private GrpcPeer? _peer;
    private BuildKitClient? _client;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        if (_peer is not null)
        {
            await _peer.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task ACancelledBuild_DoesNotEndTheSessionThatItsSiblingsWaitFor()
    {
        await using ImageBuildSet set = await CreateAsync();
        using CancellationTokenSource first = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        Task<ImageBuildResult> cancelled = set.BuildAsync("a", null, first.Token);
        Task<ImageBuildResult> sibling = set.BuildAsync("b", null, Cancellation);
        await _asked.Task.WaitAsync(Limit, Cancellation);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Limit, Cancellation));
        _open.SetResult();

        ImageBuildException refused = await Assert.ThrowsAsync<ImageBuildException>(() => sibling.WaitAsync(Limit, Cancellation));
        Assert.Contains("refused by the test", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheEndOfASet_EndsASessionThatIsBeingOpened()
    {
        ImageBuildSet set = await CreateAsync();
        Task<ImageBuildResult> waiting = set.BuildAsync("a", null, Cancellation);
        await _asked.Task.WaitAsync(Limit, Cancellation);
        await _kept.Task.WaitAsync(Limit, Cancellation);

        await set.DisposeAsync().AsTask().WaitAsync(Limit, Cancellation);
        await set.DisposeAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Limit, Cancellation));
        await _givenUp.Task.WaitAsync(Limit, Cancellation);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => set.BuildAsync("b", null, Cancellation));
    }

    private async Task<ImageBuildSet> CreateAsync()
    {
        _folder.File("Dockerfile", "FROM scratch\n");
        _peer = await GrpcPeer.StartAsync(context => context.Request.Path.Value switch
        {
            "/moby.buildkit.v1.Control/Session" => FakeEngine.SessionAsync(context),
            "/moby.buildkit.v1.Control/ListWorkers" => FakeEngine.AnswerAsync(context, new ListWorkersResponse()),
            "/moby.buildkit.v1.Control/Solve" => SolveAsync(context),
            "/moby.buildkit.v1.frontend.LLBBridge/Ping" => PingAsync(context),
            _ => FakeEngine.RefuseAsync(context, StatusCode.InvalidArgument, "refused by the test"),
        });
        _client = await BuildKitClient.ConnectAsync(_peer.Address, cancellationToken: Cancellation);
        ImageBuildRequest build = new() { ContextPath = _folder.Path };
        return _client.CreateSet(new Dictionary<string, ImageBuildRequest> { ["a"] = build, ["b"] = build }, Cancellation);
    }

    // The build that keeps what the others have loaded is internal.
    private async Task SolveAsync(HttpContext context)
    {
        if ((await context.ReceiveAsync(Protocol.Control.SolveRequest.Parser))!.Internal)
        {
            await using CancellationTokenRegistration end = context.RequestAborted.Register(() => _givenUp.TrySetResult());
            _kept.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
        }

        await FakeEngine.RefuseAsync(context, StatusCode.InvalidArgument, "refused by the test");
    }

    private async Task PingAsync(HttpContext context)
    {
        _asked.TrySetResult();
        await _open.Task.WaitAsync(context.RequestAborted);
        await FakeEngine.AnswerAsync(context, new PongResponse());
    }
}
