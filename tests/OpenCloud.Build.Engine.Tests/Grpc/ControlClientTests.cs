using System.Text;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire.Grpc;
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
        await using EngineChannel channel = await OpenAsync(name);
        Control.ControlClient control = new(channel.Pooled);
        ListWorkersResponse workers = await control.ListWorkersAsync(new ListWorkersRequest(), deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: Token);
        Assert.NotEmpty(workers.Record);
        Assert.NotEmpty(workers.Record[0].Platforms);
        try
        {
            InfoResponse info = await control.InfoAsync(new InfoRequest(), cancellationToken: Token);
            TestContext.Current.SendDiagnosticMessage("{0}: {1}", name, info);
        }
        catch (RpcException e)
        {
            Assert.Equal(StatusCode.Unimplemented, e.StatusCode);
        }

        _ = await control.DiskUsageAsync(new DiskUsageRequest(), cancellationToken: Token);
    }

    [Theory]
    [EngineData]
    public async Task A_stream_can_be_left(string name)
    {
        await using EngineChannel channel = await OpenAsync(name);
        using CancellationTokenSource leave = new();
        using AsyncServerStreamingCall<StatusResponse> events = new Control.ControlClient(channel.Pooled).Status(new StatusRequest { Ref = "nothing-" + Guid.NewGuid() }, cancellationToken: leave.Token);
        Task<bool> next = events.ResponseStream.MoveNext(CancellationToken.None);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(TimeSpan.FromSeconds(10), Token));
        Assert.NotEmpty((await new Control.ControlClient(channel.Pooled).ListWorkersAsync(new ListWorkersRequest(), cancellationToken: Token)).Record);
    }

    [Theory]
    [EngineData]
    public async Task Errors_come_with_their_status(string name)
    {
        await using EngineChannel channel = await OpenAsync(name);
        Control.ControlClient control = new(channel.Pooled);
        RpcException solve = await Assert.ThrowsAsync<RpcException>(
            () => control.SolveAsync(new SolveRequest { Ref = Guid.NewGuid().ToString("n"), Frontend = "no-such-frontend" }, cancellationToken: Token).ResponseAsync);
        Assert.Contains("no-such-frontend", solve.Status.Detail, StringComparison.Ordinal);
        Marshaller<byte[]> nothing = Marshallers.Create(static (byte[] bytes) => bytes, static bytes => bytes);
        Method<byte[], byte[]> unknown = new(MethodType.Unary, "moby.buildkit.v1.Control", "NoSuchMethod", nothing, nothing);
        Assert.Equal(StatusCode.Unimplemented, (await Assert.ThrowsAsync<RpcException>(() => channel.Pooled.AsyncUnaryCall(unknown, null, new CallOptions(cancellationToken: Token), []).ResponseAsync)).StatusCode);
    }

    [Theory]
    [EngineData]
    public async Task A_session_is_opened_and_the_daemon_calls_back(string name)
    {
        await using EngineChannel channel = await OpenAsync(name);
        Metadata metadata = [];
        metadata.Add("x-docker-expose-session-uuid", Guid.NewGuid().ToString("n"));
        metadata.Add("x-docker-expose-session-name", "test");
        metadata.Add("x-docker-expose-session-sharedkey", "test");
        metadata.Add("x-docker-expose-session-grpc-method", "/moby.filesync.v1.FileSync/DiffCopy");
        metadata.Add("x-docker-expose-session-grpc-method", "/grpc.health.v1.Health/Check");
        using DedicatedCallInvoker invoker = channel.OpenDedicated();
        await using BytesMessageStream stream = await BytesMessageStream.OpenAsync(new Control.ControlClient(invoker).Session(metadata, cancellationToken: Token));
        byte[] preface = new byte[24];
        await stream.ReadExactlyAsync(preface, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Encoding.ASCII.GetString(preface));
    }

    private async Task<EngineChannel> OpenAsync(string name)
    {
        RunningEngine engine = await engines.GetAsync(name);
        EngineConnectOptions options = new();
        return new EngineChannel(await EngineConnection.OpenAsync(EngineAddress.Parse(engine.Address), options, Token), options);
    }
}
