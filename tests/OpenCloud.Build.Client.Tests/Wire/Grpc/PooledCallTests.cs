using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;
using static OpenCloud.Build.Client.Tests.Wire.Grpc.EchoClient;
using RpcStatus = OpenCloud.Build.Client.Protocol.Rpc.Status;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

public sealed class PooledCallTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_unary_call_goes_there_and_back_with_its_headers()
    {
        ConcurrentDictionary<string, string> seen = new();
        string protocol = "";
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            protocol = context.Request.Protocol + context.Request.Method + context.Request.Path;
            foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Request.Headers)
            {
                seen[name.ToLowerInvariant()] = string.Join('|', values.ToArray());
            }

            await context.SendAsync((await context.ReceiveAsync(BytesMessage.Parser))!);
            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        Metadata metadata = [];
        metadata.Add("x-one", "a, b");
        metadata.Add("x-long", new string('m', 300));
        metadata.Add("x-raw-bin", new byte[] { 0, 255 });
        BytesMessage answer = await channel.Pooled.EchoAsync(Message(10), new CallOptions(metadata, DateTime.UtcNow.AddSeconds(30), Token));
        Assert.Equal(Message(10), answer);
        Assert.Equal("HTTP/2POST/test.Echo/Echo", protocol);
        Assert.Equal("a, b", seen["x-one"]);
        Assert.Equal(new string('m', 300), seen["x-long"]);
        Assert.Equal("AP8=", seen["x-raw-bin"]);
        Assert.Equal("trailers", seen["te"]);
        Assert.Equal("application/grpc", seen["content-type"]);
        Assert.Contains("grpc-timeout", seen.Keys);
        Assert.DoesNotContain("gzip", seen["grpc-accept-encoding"], StringComparison.Ordinal);
        Assert.DoesNotContain("traceparent", seen.Keys);
    }

    [Fact]
    public async Task Sends_and_takes_16_MiB_and_refuses_more_before_sending()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.SendAsync((await context.ReceiveAsync(BytesMessage.Parser))!);
            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        BytesMessage largest = Message(MessageLimits.Largest - 5);
        Assert.Equal(MessageLimits.Largest, largest.CalculateSize());
        Assert.Equal(largest, await channel.Pooled.EchoAsync(largest, Token));
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => channel.Pooled.EchoAsync(Message(MessageLimits.Largest), Token));
        Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
    }

    [Fact]
    public async Task Streams_from_the_server_and_ends_with_it()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            for (int i = 0; i < 100; i++)
            {
                await context.SendAsync(Message(i * 100));
            }

            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        List<int> sizes = [];
        await foreach (BytesMessage message in channel.Pooled.ListAsync(Message(0), Token))
        {
            sizes.Add(message.Data.Length);
        }

        Assert.Equal(Enumerable.Range(0, 100).Select(static i => i * 100), sizes);
    }

    [Fact]
    public async Task Leaving_a_stream_early_resets_it()
    {
        TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            await context.SendAsync(Message(1));
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using EngineChannel channel = peer.Connect();
        await foreach (BytesMessage message in channel.Pooled.ListAsync(Message(0), Token))
        {
            break;
        }

        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cancelling_resets_the_call_at_once(bool afterHeaders)
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            if (afterHeaders)
            {
                await context.StartGrpcAsync();
            }

            arrived.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using EngineChannel channel = peer.Connect();
        using CancellationTokenSource cancel = new();
        Task call = channel.Pooled.EchoAsync(Message(1), cancel.Token);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await cancel.CancelAsync();
        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(cancel.Token, e.CancellationToken);
        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
    }

    [Fact]
    public async Task A_deadline_is_kept_without_the_servers_help()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using EngineChannel channel = peer.Connect();
        Stopwatch watch = Stopwatch.StartNew();
        RpcException e = await Assert.ThrowsAsync<RpcException>(
            () => channel.Pooled.EchoAsync(Message(1), new CallOptions(null, DateTime.UtcNow.AddMilliseconds(200), Token)));
        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
        Assert.InRange(watch.ElapsedMilliseconds, 150, 10_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_status_comes_with_its_message_and_its_details(bool afterMessage)
    {
        string details = Convert.ToBase64String(new RpcStatus
        {
            Code = 5,
            Details = { new Google.Protobuf.WellKnownTypes.Any { TypeUrl = "github.com/moby/buildkit/errdefs.Vertex+json", Value = ByteString.CopyFromUtf8("""{"digest":"sha256:ab"}""") } },
        }.ToByteArray()).TrimEnd('=');
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            if (afterMessage)
            {
                await context.SendAsync(Message(1));
            }

            context.End(StatusCode.NotFound, "gone %E2%86%92 100%25 %zz %", details);
        });
        await using EngineChannel channel = peer.Connect();
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => channel.Pooled.EchoAsync(Message(1), Token));
        Assert.Equal((StatusCode.NotFound, "gone → 100% %zz %"), (e.StatusCode, e.Status.Detail));
        Assert.Equal("sha256:ab", BuildKitErrorDetails.From(e).VertexDigest);
    }

    [Fact]
    public async Task Details_may_be_as_large_as_a_dockerfile()
    {
        string file = Convert.ToBase64String(new byte[200_000]);
        string details = Convert.ToBase64String(new RpcStatus
        {
            Details = { new Google.Protobuf.WellKnownTypes.Any { TypeUrl = "github.com/moby/buildkit/errdefs.Source+json", Value = ByteString.CopyFromUtf8($$$"""{"info":{"filename":"D","data":"{{{file}}}"}}""") } },
        }.ToByteArray());
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.StartGrpcAsync();
            context.End(StatusCode.Unknown, "failed", details);
        });
        await using EngineChannel channel = peer.Connect();
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => channel.Pooled.EchoAsync(Message(1), Token));
        Assert.Equal(200_000, Assert.Single(BuildKitErrorDetails.From(e).Sources).Data.Length);
    }

    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    [InlineData(302, StatusCode.Unknown)]
    [InlineData(500, StatusCode.Unknown)]
    public async Task Http_errors_are_mapped(int http, StatusCode code)
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(context =>
        {
            context.Response.StatusCode = http;
            context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        });
        await using EngineChannel channel = peer.Connect();
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => channel.Pooled.EchoAsync(Message(1), Token));
        Assert.Equal(code, e.StatusCode);
        Assert.Contains(http.ToString(System.Globalization.CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_that_are_no_grpc_are_told_as_such()
    {
        RequestDelegate handler = context => Task.CompletedTask;
        await using GrpcPeer peer = await GrpcPeer.StartAsync(context => handler(context));
        await using EngineChannel channel = peer.Connect();

        handler = static context => context.Response.WriteAsync("<html>");
        await FailAsync(channel, StatusCode.Cancelled, "content-type");
        handler = static context => context.SendAsync(Message(1));
        await FailAsync(channel, StatusCode.Cancelled, "No grpc-status");
        handler = static async context =>
        {
            await context.StartGrpcAsync();
            context.End();
        };
        await FailAsync(channel, StatusCode.Internal, "Failed to deserialize");
        handler = static async context =>
        {
            await context.SendAsync(Message(1));
            await context.SendAsync(Message(1));
            context.End();
        };
        await FailAsync(channel, StatusCode.Internal, "Unexpected data after");
        handler = Raw([1, 0, 0, 0, 0]);
        await FailAsync(channel, StatusCode.Internal, "compressed");
        handler = Raw([0, 0xff, 0xff, 0xff, 0xff]);
        await FailAsync(channel, StatusCode.Internal, "too large");
        handler = Raw([0, 0, 0, 0, 9, 1]);
        await FailAsync(channel, StatusCode.Internal, "Unexpected end");
        handler = Raw([0, 0, 0]);
        await FailAsync(channel, StatusCode.Internal, "Unexpected end");
        handler = Raw([0, 0, 0, 0, 2, 0x0a, 0x55]);
        await FailAsync(channel, StatusCode.Internal, "an invalid answer to /test.Echo/Echo");
        handler = static async context =>
        {
            await context.StartGrpcAsync();
            context.Response.AppendTrailer("grpc-status", "soon");
        };
        await FailAsync(channel, StatusCode.Cancelled, "soon");
        handler = static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        await FailAsync(channel, StatusCode.Internal, "aborted");

        static RequestDelegate Raw(byte[] bytes) => async context =>
        {
            await context.StartGrpcAsync();
            await context.Response.Body.WriteAsync(bytes);
            context.End();
        };
    }

    [Fact]
    public async Task Duplex_calls_talk_both_ways()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            while (await context.ReceiveAsync(BytesMessage.Parser) is { } message)
            {
                await context.SendAsync(message);
            }

            context.End();
        });
        await using EngineChannel channel = peer.Connect();
        using AsyncDuplexStreamingCall<BytesMessage, BytesMessage> call = channel.Pooled.Talk(Token);
        for (int size = 0; size < 200_000; size = (size * 3) + 1)
        {
            await call.RequestStream.WriteAsync(Message(size), Token);
            Assert.True(await call.ResponseStream.MoveNext(Token));
            Assert.Equal(size, call.ResponseStream.Current.Data.Length);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Token));
        Assert.False(await call.ResponseStream.MoveNext(Token));
    }

    [Fact]
    public async Task A_duplex_call_that_is_refused_tells_why_when_read()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(static context =>
        {
            context.End(StatusCode.PermissionDenied, "not you");
            return Task.CompletedTask;
        });
        await using EngineChannel channel = peer.Connect();
        using AsyncDuplexStreamingCall<BytesMessage, BytesMessage> call = channel.Pooled.Talk(Token);
        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (true)
            {
                await call.RequestStream.WriteAsync(Message(100_000), Token);
            }
        });
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseStream.MoveNext(Token))).StatusCode);
    }

    [Fact]
    public async Task Details_that_are_garbled_hide_no_error()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(static async context =>
        {
            await context.StartGrpcAsync();
            context.End(StatusCode.NotFound, "gone", "%%%");
        });
        await using EngineChannel channel = peer.Connect();
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => channel.Pooled.EchoAsync(Message(1), Token).WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Equal((StatusCode.NotFound, "gone"), (e.StatusCode, e.Status.Detail));
        Assert.Empty(CallErrors.DetailsOf(e));
    }

    [Fact]
    public async Task A_connection_that_cannot_be_made_keeps_its_own_error()
    {
        await using EngineChannel channel = new(EngineConnectors.Create(EngineAddress.Parse("/nowhere/x.sock"), new EngineConnectOptions()));
        Assert.Equal(EngineConnectReason.NotFound, (await Assert.ThrowsAsync<EngineConnectException>(() => channel.Pooled.EchoAsync(Message(1), Token))).Reason);
        Assert.Equal(EngineConnectReason.NotFound, (await Assert.ThrowsAsync<EngineConnectException>(() => channel.Pooled.Talk(Token).ResponseStream.MoveNext(Token))).Reason);
    }

    [Fact]
    public async Task Closing_the_channel_ends_its_calls()
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            arrived.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        EngineChannel channel = peer.Connect();
        Task<BytesMessage> call = channel.Pooled.EchoAsync(Message(1), Token);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await channel.DisposeAsync();
        await Assert.ThrowsAsync<RpcException>(() => call.WaitAsync(TimeSpan.FromSeconds(10), Token));
    }

    private static async Task FailAsync(EngineChannel channel, StatusCode code, string words)
    {
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => channel.Pooled.EchoAsync(Message(1), Token));
        Assert.Equal(code, e.StatusCode);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }
}
