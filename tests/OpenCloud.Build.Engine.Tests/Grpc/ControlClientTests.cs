using System.Text;
using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Threading;
using OpenCloud.Build.Client.Transport;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Grpc;

/// <summary>The control service of real engines: each kind of call, and how it fails.</summary>
public sealed class ControlClientTests(EngineFixture engines)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [EngineData]
    public async Task Workers_and_info_are_told(string name)
    {
        await using GrpcChannel channel = await OpenAsync(name);
        ControlClient control = new(channel);
        ListWorkersResponse workers = await control.ListWorkersAsync(new ListWorkersRequest(), new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(30) }, Token);
        Assert.NotEmpty(workers.Record);
        Assert.NotEmpty(workers.Record[0].Platforms);
        try
        {
            InfoResponse info = await control.InfoAsync(null, Token);
            TestContext.Current.SendDiagnosticMessage("{0}: {1}", name, info);
        }
        catch (GrpcException e)
        {
            Assert.Equal(GrpcStatusCode.Unimplemented, e.Status.Code);
        }
        _ = await control.DiskUsageAsync(new DiskUsageRequest(), Token);
    }

    [Theory]
    [EngineData]
    public async Task A_stream_can_be_left(string name)
    {
        await using GrpcChannel channel = await OpenAsync(name);
        using CancellationTokenSource leave = new();
        await using IAsyncEnumerator<StatusResponse> events = new ControlClient(channel).StatusAsync("nothing-" + Guid.NewGuid(), leave.Token).GetAsyncEnumerator(Token);
        Task<bool> next = events.MoveNextAsync().AsTask();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(TimeSpan.FromSeconds(10), Token));
        Assert.NotEmpty((await new ControlClient(channel).ListWorkersAsync(new ListWorkersRequest(), null, Token)).Record);
    }

    [Theory]
    [EngineData]
    public async Task Errors_come_with_their_status(string name)
    {
        await using GrpcChannel channel = await OpenAsync(name);
        ControlClient control = new(channel);
        GrpcException solve = await Assert.ThrowsAsync<GrpcException>(
            () => control.SolveAsync(new SolveRequest { Ref = Guid.NewGuid().ToString("n"), Frontend = "no-such-frontend" }, Token));
        Assert.Contains("no-such-frontend", solve.Status.Message, StringComparison.Ordinal);
        GrpcMethod<InfoRequest, InfoResponse> unknown = new("/moby.buildkit.v1.Control/NoSuchMethod", InfoResponse.Parser);
        Assert.Equal(GrpcStatusCode.Unimplemented, (await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(unknown, new InfoRequest(), null, Token))).Status.Code);
    }

    [Theory]
    [EngineData]
    public async Task A_session_is_opened_and_the_daemon_calls_back(string name)
    {
        await using GrpcChannel channel = await OpenAsync(name);
        GrpcMetadata metadata = new();
        metadata.Add("x-docker-expose-session-uuid", Guid.NewGuid().ToString("n"));
        metadata.Add("x-docker-expose-session-name", "test");
        metadata.Add("x-docker-expose-session-sharedkey", "test");
        metadata.Add("x-docker-expose-session-grpc-method", "/moby.filesync.v1.FileSync/DiffCopy");
        metadata.Add("x-docker-expose-session-grpc-method", "/grpc.health.v1.Health/Check");
        await using BytesMessageStream stream = await new ControlClient(channel).SessionAsync(metadata, WorkQueue.Pool, Token);
        byte[] preface = new byte[24];
        await stream.ReadExactlyAsync(preface, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Encoding.ASCII.GetString(preface));
    }

    private async Task<GrpcChannel> OpenAsync(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        EngineConnectOptions options = new();
        return new GrpcChannel(await EngineConnection.OpenAsync(EngineAddress.Parse(engine.Address), options, Token), options);
    }
}
