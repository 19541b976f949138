using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Client.Grpc;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Rpc;
using OpenCloud.Build.Client.Transport;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Grpc;

public sealed class GrpcChannelTests
{
    private static readonly GrpcMethod<BytesMessage, BytesMessage> Echo = new("/test.Echo/Echo", BytesMessage.Parser);

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
        await using GrpcChannel channel = peer.Connect();
        GrpcMetadata metadata = new();
        metadata.Add("x-one", "a, b");
        metadata.Add("x-long", new string('m', 300));
        metadata.Add("x-raw-bin", [0, 255]);
        BytesMessage answer = await channel.UnaryAsync(Echo, Message(10), new GrpcCallOptions { Metadata = metadata, Timeout = TimeSpan.FromSeconds(30) }, Token);
        Assert.Equal(Message(10), answer);
        Assert.Equal("HTTP/2POST/test.Echo/Echo", protocol);
        Assert.Equal("a, b", seen["x-one"]);
        Assert.Equal(new string('m', 300), seen["x-long"]);
        Assert.Equal("AP8=", seen["x-raw-bin"]);
        Assert.Equal("trailers", seen["te"]);
        Assert.Equal("application/grpc", seen["content-type"]);
        Assert.Equal("30000000u", seen["grpc-timeout"]);
        Assert.StartsWith("opencloud-build/", seen["user-agent"], StringComparison.Ordinal);
        Assert.DoesNotContain("traceparent", seen.Keys);
    }

    [Theory]
    [InlineData("Upper", "v")]
    [InlineData("", "v")]
    [InlineData("grpc-status", "v")]
    [InlineData("content-type", "v")]
    [InlineData("x", "é")]
    [InlineData("x", "a\nb")]
    [InlineData("x", "a\u001fb")]
    [InlineData("x", " a")]
    [InlineData("x-bin", "text")]
    public void Refuses_metadata_that_cannot_travel(string name, string value) => Assert.Throws<ArgumentException>(() => new GrpcMetadata().Add(name, value));

    [Fact]
    public async Task Sends_and_takes_16_MiB_and_refuses_more_before_sending()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.SendAsync((await context.ReceiveAsync(BytesMessage.Parser))!);
            context.End();
        });
        await using GrpcChannel channel = peer.Connect();
        BytesMessage largest = Message(GrpcFrame.LargestMessage - 5);
        Assert.Equal(GrpcFrame.LargestMessage, largest.CalculateSize());
        Assert.Equal(largest, await channel.UnaryAsync(Echo, largest, null, Token));
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo, Message(GrpcFrame.LargestMessage), null, Token));
        Assert.Equal(GrpcStatusCode.ResourceExhausted, e.Status.Code);
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
        await using GrpcChannel channel = peer.Connect();
        List<int> sizes = [];
        await foreach (BytesMessage message in channel.ServerStreamAsync(Echo, Message(0), null, Token))
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
        await using GrpcChannel channel = peer.Connect();
        await foreach (BytesMessage message in channel.ServerStreamAsync(Echo, Message(0), null, Token))
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
        await using GrpcChannel channel = peer.Connect();
        using CancellationTokenSource cancel = new();
        Task call = channel.UnaryAsync(Echo, Message(1), null, cancel.Token);
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
        await using GrpcChannel channel = peer.Connect();
        Stopwatch watch = Stopwatch.StartNew();
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(
            () => channel.UnaryAsync(Echo, Message(1), new GrpcCallOptions { Timeout = TimeSpan.FromMilliseconds(200) }, Token));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, e.Status.Code);
        Assert.InRange(watch.ElapsedMilliseconds, 150, 10_000);
    }

    [Theory]
    [InlineData(0.0000001, "1u")]
    [InlineData(5, "5000000u")]
    [InlineData(99.999999, "99999999u")]
    [InlineData(100, "100000m")]
    [InlineData(3600, "3600000m")]
    [InlineData(200_000, "200000S")]
    [InlineData(200_000_000, "3333334M")]
    public void Timeouts_have_eight_digits_at_most(double seconds, string expected) =>
        Assert.Equal(expected, GrpcCallOptions.FormatTimeout(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_status_comes_with_its_message_and_its_details(bool afterMessage)
    {
        string details = Convert.ToBase64String(new Status
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
            context.End(GrpcStatusCode.NotFound, "gone %E2%86%92 100%25 %zz %", details);
        });
        await using GrpcChannel channel = peer.Connect();
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo, Message(1), null, Token));
        Assert.Equal(new GrpcStatus(GrpcStatusCode.NotFound, "gone → 100% %zz %"), e.Status);
        Assert.Equal("sha256:ab", BuildKitErrorDetails.From(e).VertexDigest);
    }

    [Fact]
    public async Task Details_may_be_as_large_as_a_dockerfile()
    {
        string file = Convert.ToBase64String(new byte[200_000]);
        string details = Convert.ToBase64String(new Status
        {
            Details = { new Google.Protobuf.WellKnownTypes.Any { TypeUrl = "github.com/moby/buildkit/errdefs.Source+json", Value = ByteString.CopyFromUtf8($$$"""{"info":{"filename":"D","data":"{{{file}}}"}}""") } },
        }.ToByteArray());
        await using GrpcPeer peer = await GrpcPeer.StartAsync(async context =>
        {
            await context.StartGrpcAsync();
            context.End(GrpcStatusCode.Unknown, "failed", details);
        });
        await using GrpcChannel channel = peer.Connect();
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo, Message(1), null, Token));
        Assert.Equal(200_000, Assert.Single(BuildKitErrorDetails.From(e).Sources).Data.Length);
    }

    [Theory]
    [InlineData(400, GrpcStatusCode.Internal)]
    [InlineData(401, GrpcStatusCode.Unauthenticated)]
    [InlineData(403, GrpcStatusCode.PermissionDenied)]
    [InlineData(404, GrpcStatusCode.Unimplemented)]
    [InlineData(429, GrpcStatusCode.Unavailable)]
    [InlineData(502, GrpcStatusCode.Unavailable)]
    [InlineData(503, GrpcStatusCode.Unavailable)]
    [InlineData(504, GrpcStatusCode.Unavailable)]
    [InlineData(302, GrpcStatusCode.Unknown)]
    [InlineData(500, GrpcStatusCode.Unknown)]
    public async Task Http_errors_are_mapped(int http, GrpcStatusCode code)
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(context =>
        {
            context.Response.StatusCode = http;
            context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        });
        await using GrpcChannel channel = peer.Connect();
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo, Message(1), null, Token));
        Assert.Equal(code, e.Status.Code);
        Assert.Contains(http.ToString(System.Globalization.CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_that_are_no_grpc_are_told_as_such()
    {
        RequestDelegate handler = context => Task.CompletedTask;
        await using GrpcPeer peer = await GrpcPeer.StartAsync(context => handler(context));
        await using GrpcChannel channel = peer.Connect();

        handler = static context => context.Response.WriteAsync("<html>");
        Assert.Contains("does not speak gRPC", (await FailAsync(channel, GrpcStatusCode.Unknown)).Message, StringComparison.Ordinal);
        handler = static context => context.SendAsync(Message(1));
        Assert.Contains("without a gRPC status", (await FailAsync(channel, GrpcStatusCode.Internal)).Message, StringComparison.Ordinal);
        handler = static async context =>
        {
            await context.StartGrpcAsync();
            context.End();
        };
        Assert.Contains("without a message", (await FailAsync(channel, GrpcStatusCode.Internal)).Message, StringComparison.Ordinal);
        handler = static async context =>
        {
            await context.SendAsync(Message(1));
            await context.SendAsync(Message(1));
            context.End();
        };
        Assert.Contains("more than one message", (await FailAsync(channel, GrpcStatusCode.Internal)).Message, StringComparison.Ordinal);
        handler = Raw([1, 0, 0, 0, 0]);
        Assert.Contains("compressed", (await FailAsync(channel, GrpcStatusCode.Internal)).Message, StringComparison.Ordinal);
        handler = Raw([0, 0xff, 0xff, 0xff, 0xff]);
        Assert.Contains("4294967295 bytes", (await FailAsync(channel, GrpcStatusCode.ResourceExhausted)).Message, StringComparison.Ordinal);
        handler = Raw([0, 0, 0, 0, 9, 1]);
        Assert.Contains("middle of a message", (await FailAsync(channel, GrpcStatusCode.Internal)).Message, StringComparison.Ordinal);
        handler = Raw([0, 0, 0]);
        Assert.Contains("middle of a message", (await FailAsync(channel, GrpcStatusCode.Internal)).Message, StringComparison.Ordinal);
        handler = Raw([0, 0, 0, 0, 2, 0x0a, 0x55]);
        Assert.Contains("no BytesMessage", (await FailAsync(channel, GrpcStatusCode.Internal)).Message, StringComparison.Ordinal);
        handler = static async context =>
        {
            await context.StartGrpcAsync();
            context.Response.AppendTrailer("grpc-status", "soon");
        };
        Assert.Contains("no number", (await FailAsync(channel, GrpcStatusCode.Unknown)).Message, StringComparison.Ordinal);
        handler = static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        await FailAsync(channel, GrpcStatusCode.Internal);

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
        await using GrpcChannel channel = peer.Connect();
        await using GrpcDuplexCall<BytesMessage, BytesMessage> call = await channel.DuplexAsync(Echo, null, Token);
        for (int size = 0; size < 200_000; size = (size * 3) + 1)
        {
            await call.WriteAsync(Message(size), Token);
            Assert.Equal(size, (await call.ReadAsync(Token))!.Data.Length);
        }
        call.CompleteWriting();
        Assert.Null(await call.ReadAsync(Token));
        Assert.Null(await call.ReadAsync(Token));
    }

    [Fact]
    public async Task A_duplex_call_that_is_refused_tells_why_when_written_to()
    {
        await using GrpcPeer peer = await GrpcPeer.StartAsync(static context =>
        {
            context.End(GrpcStatusCode.PermissionDenied, "not you");
            return Task.CompletedTask;
        });
        await using GrpcChannel channel = peer.Connect();
        await using GrpcDuplexCall<BytesMessage, BytesMessage> call = await channel.DuplexAsync(Echo, null, Token);
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            while (true)
            {
                await call.WriteAsync(Message(100_000), Token);
            }
        });
        Assert.Equal(GrpcStatusCode.PermissionDenied, e.Status.Code);
        Assert.Equal(GrpcStatusCode.PermissionDenied, (await Assert.ThrowsAsync<GrpcException>(async () => await call.ReadAsync(Token))).Status.Code);
    }

    [Fact]
    public async Task A_connection_that_cannot_be_made_keeps_its_own_error()
    {
        await using GrpcChannel channel = new(EngineConnectors.Create(EngineAddress.Parse("/nowhere/x.sock"), new EngineConnectOptions()));
        Assert.Equal(EngineConnectReason.NotFound, (await Assert.ThrowsAsync<EngineConnectException>(() => channel.UnaryAsync(Echo, Message(1), null, Token))).Reason);
        Assert.Equal(EngineConnectReason.NotFound, (await Assert.ThrowsAsync<EngineConnectException>(() => channel.DuplexAsync("/a/b", null, Token))).Reason);
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
        GrpcChannel channel = peer.Connect();
        Task<BytesMessage> call = channel.UnaryAsync(Echo, Message(1), null, Token);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await channel.DisposeAsync();
        await Assert.ThrowsAsync<GrpcException>(() => call.WaitAsync(TimeSpan.FromSeconds(10), Token));
    }

    private static async Task<GrpcException> FailAsync(GrpcChannel channel, GrpcStatusCode code)
    {
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo, Message(1), null, Token));
        Assert.Equal(code, e.Status.Code);
        return e;
    }

    private static BytesMessage Message(int size) => new() { Data = ByteString.CopyFrom(new byte[size]) };
}
