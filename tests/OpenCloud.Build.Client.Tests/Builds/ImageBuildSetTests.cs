using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Tests.Wire.Grpc;
using Xunit;
using Gateway = OpenCloud.Build.Client.Protocol.Gateway;

namespace OpenCloud.Build.Client.Tests.Builds;

/// <summary>Builds that share a context, on an engine that makes nothing.</summary>
public sealed class ImageBuildSetTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AMemberWithoutItsInput_FailsAlone_AndTheSetEndsOnce()
    {
        using TemporaryDirectory folder = new();
        folder.File("Dockerfile", "FROM scratch\n");
        await using FakeEngine engine = await StartAsync();
        await using BuildKitClient client = await engine.ConnectAsync();
        ImageBuildSet set = client.CreateSet(
            new Dictionary<string, ImageBuildRequest>
            {
                ["gone"] = new() { ContextPath = folder.Path, NamedContexts = new Dictionary<string, string> { ["x"] = folder.Path + "/gone" } },
                ["good"] = new() { ContextPath = folder.Path },
            },
            Stop);

        ImageBuildResult result = await set.BuildAsync("good", null, Stop);
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => set.BuildAsync("gone", null, Stop));

        Assert.Equal(folder.Path, result.Path);
        await set.DisposeAsync();
        await set.DisposeAsync();
    }

    [Fact]
    public async Task AQuestionAboutADockerfile_HasNoResultsOfOtherBuilds()
    {
        await using FakeEngine engine = await StartAsync();
        await using BuildKitClient client = await engine.ConnectAsync();

        ImageBuildException refused = await Assert.ThrowsAsync<ImageBuildException>(() => client.GetTargetsAsync(
            new() { ContextPath = "/", DockerfileText = "FROM base", NamedContexts = new Dictionary<string, string> { ["base"] = "target:other" } }, Stop));

        Assert.Equal(BuildFailureKind.InvalidRequest, refused.Kind);
        Assert.Contains("'other'", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>An engine whose builds last until their client ends them.</summary>
    private static async Task<FakeEngine> StartAsync()
    {
        TaskCompletionSource returned = new();
        return await FakeEngine.StartAsync(
            async context =>
            {
                SolveRequest? request = await context.ReceiveAsync(SolveRequest.Parser);
                await (request!.Internal ? Task.Delay(Timeout.Infinite, context.RequestAborted) : returned.Task);
                await FakeEngine.AnswerAsync(context, new SolveResponse());
            },
            static (context, _) =>
            {
                context.End();
                return Task.CompletedTask;
            },
            async context =>
            {
                string method = context.Request.Path.Value!.Split('/')[^1];
                if (method == "Return")
                {
                    returned.TrySetResult();
                }

                await FakeEngine.AnswerAsync(context, method == "Solve"
                    ? new Gateway.SolveResponse { Result = new Gateway.Result { Ref = new Gateway.Ref { Id = "1" } } }
                    : new ListWorkersResponse());
            });
    }
}
