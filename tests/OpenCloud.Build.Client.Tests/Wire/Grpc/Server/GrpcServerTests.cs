using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Protocol.Health;
using OpenCloud.Build.Client.Tests.Wire.Http2;
using OpenCloud.Build.Client.Wire;
using OpenCloud.Build.Client.Wire.Grpc.Server;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc.Server;

/// <summary>gRPC calls as octets, with .NET's HTTP/2 client as the peer.</summary>
public sealed class GrpcServerTests
{
    private const string CheckPath = "/grpc.health.v1.Health/Check";
    private const string WatchPath = "/grpc.health.v1.Health/Watch";

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HealthIsAlwaysServed()
    {
        GrpcServer server = new();
        Assert.Equal(["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"], server.Methods);
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        Answer answer = await CallAsync(peer, CheckPath, Message([]));
        Assert.Equal("0", answer.Status);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, HealthCheckResponse.Parser.ParseFrom(Assert.Single(answer.Messages)).Status);
        Assert.Equal("0", (await CallAsync(peer, CheckPath, Message(new HealthCheckRequest { Service = "grpc.health.v1.Health" }.ToByteArray()))).Status);
        Assert.Equal("5", (await CallAsync(peer, CheckPath, Message(new HealthCheckRequest { Service = "other" }.ToByteArray()))).Status);
    }

    [Fact]
    public async Task WatchAnswersAndStaysOpen()
    {
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(new GrpcServer().RunAsync);
        using HttpResponseMessage response = await peer.Client.SendAsync(Request(WatchPath, Message([])), TestToken);
        Stream body = await response.Content.ReadAsStreamAsync(TestToken);
        byte[] message = new byte[7];
        await body.ReadExactlyAsync(message, TestToken);
        Assert.Equal([0, 0, 0, 0, 2, 8, 1], message);
        ValueTask<int> more = body.ReadAsync(message, TestToken);
        Assert.False(more.IsCompleted);
        peer.Cancel();
        await Assert.ThrowsAnyAsync<Exception>(async () => await more);
    }

    [Fact]
    public async Task AnUnknownMethodIsUnimplemented()
    {
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(new GrpcServer().RunAsync);
        Answer answer = await CallAsync(peer, "/a.B/C", Message([]));
        Assert.Equal("12", answer.Status);
        Assert.True(answer.TrailersOnly);
    }

    [Fact]
    public async Task ARequestThatIsNoGrpcIsRefused()
    {
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(new GrpcServer().RunAsync);
        using HttpResponseMessage response = await peer.SendAsync("/a.B/C", new StringContent("x"), TestToken);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16_379)]
    [InlineData(100_000)]
    [InlineData(MessageLimits.Largest)]
    public async Task MessagesOfAnySizeComeBackInTwoParts(int size)
    {
        byte[] sent = new byte[size];
        new Random(size).NextBytes(sent);
        GrpcServer server = new();
        server.Add("/a.B/C", async call =>
        {
            List<ReceivedMessage> messages = new();
            while (await call.ReadMessageAsync(call.CancellationToken) is ReceivedMessage message)
            {
                messages.Add(message);
            }

            foreach (ReceivedMessage message in messages)
            {
                int cut = Math.Min(message.Memory.Length, message.Memory.Length < 1000 ? 1 : 70);
                await call.WriteMessageAsync(message.Memory[..cut], message.Memory[cut..], moreFollows: true, call.CancellationToken);
                message.Dispose();
            }
        });
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        Answer answer = await CallAsync(peer, "/a.B/C", [.. Message(sent), .. Message([1, 2, 3]), .. Message([])]);
        Assert.Equal("0", answer.Status);
        Assert.Equal(3, answer.Messages.Count);
        Assert.True(sent.AsSpan().SequenceEqual(answer.Messages[0]));
        Assert.Equal([1, 2, 3], answer.Messages[1]);
        Assert.Empty(answer.Messages[2]);
    }

    [Fact]
    public async Task AMessageThatIsTooLargeIsResourceExhausted()
    {
        GrpcServer server = new();
        server.Add("/a.B/C", async call => (await call.ReadMessageAsync(call.CancellationToken))!.Dispose());
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        Answer answer = await CallAsync(peer, "/a.B/C", [0, 1, 0, 0, 1]);
        Assert.Equal("8", answer.Status);
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, "12")]
    [InlineData(new byte[] { 0, 0, 0 }, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 1 }, "13")]
    [InlineData(new byte[] { }, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 0xff }, "13")]
    public async Task CompressedCutOffMissingAndMalformedMessagesAreErrors(byte[] body, string status)
    {
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(new GrpcServer().RunAsync);
        Assert.Equal(status, (await CallAsync(peer, CheckPath, body)).Status);
    }

    [Fact]
    public async Task AStatusComesWithItsMessageAndDetails()
    {
        GrpcServer server = new();
        server.Add("/a.B/Before", _ => throw Failure());
        server.Add("/a.B/After", async call =>
        {
            await call.WriteMessageAsync(default, new byte[] { 7 }, moreFollows: false, call.CancellationToken);
            throw Failure();
        });
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        foreach (string path in (string[])["/a.B/Before", "/a.B/After"])
        {
            Answer answer = await CallAsync(peer, path, Message([]));
            Assert.Equal("7", answer.Status);
            Assert.Equal("n\u00f6 100% \n ", Uri.UnescapeDataString(answer.StatusMessage));
            Protocol.Rpc.Status status = Protocol.Rpc.Status.Parser.ParseFrom(Convert.FromBase64String(answer.Details!.PadRight((answer.Details!.Length + 3) / 4 * 4, '=')));
            Assert.Equal("type.googleapis.com/x", Assert.Single(status.Details).TypeUrl);
            Assert.Equal(path == "/a.B/Before", answer.TrailersOnly);
        }

        static RpcException Failure() => CallErrors.Create(StatusCode.PermissionDenied, "n\u00f6 100% \n ", null, new Metadata
        {
            { CallErrors.DetailsField, new Protocol.Rpc.Status { Details = { new Any { TypeUrl = "type.googleapis.com/x", Value = ByteString.CopyFrom(1) } } }.ToByteArray() },
        });
    }

    [Fact]
    public async Task OtherExceptionsLeakNothingToThePeer()
    {
        Exception? seen = null;
        GrpcServer server = new() { UnexpectedError = (_, error) => seen = error };
        server.Add("/a.B/C", _ => throw new InvalidOperationException("/home/secret"));
        server.Add("/a.B/D", _ => throw new OperationCanceledException());
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        Answer answer = await CallAsync(peer, "/a.B/C", Message([]));
        Assert.Equal("2", answer.Status);
        Assert.DoesNotContain("secret", answer.StatusMessage, StringComparison.Ordinal);
        Assert.Equal("/home/secret", seen?.Message);
        Assert.Equal("1", (await CallAsync(peer, "/a.B/D", Message([]))).Status);
    }

    [Theory]
    [InlineData("50m", "4")]
    [InlineData("1n", "4")]
    [InlineData("99999999H", "0")]
    [InlineData("50", "13")]
    [InlineData("m", "13")]
    [InlineData("-5m", "13")]
    [InlineData("123456789m", "13")]
    public async Task TheDeadlineIsHeeded(string timeout, string status)
    {
        GrpcServer server = new();
        server.Add("/a.B/C", call => status == "0" ? Task.CompletedTask : Task.Delay(Timeout.Infinite, call.CancellationToken));
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        HttpRequestMessage request = Request("/a.B/C", Message([]));
        request.Headers.TryAddWithoutValidation("grpc-timeout", timeout);
        Assert.Equal(status, (await CallAsync(peer, request)).Status);
    }

    [Fact]
    public async Task BinaryMetadataIsDecoded()
    {
        TaskCompletionSource<IReadOnlyList<byte[]>> seen = new();
        GrpcServer server = new();
        server.Add("/a.B/C", call =>
        {
            seen.SetResult([.. call.RequestHeaders.GetAll("x-bin").Select(static entry => entry.ValueBytes)]);
            return Task.CompletedTask;
        });
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        HttpRequestMessage request = Request("/a.B/C", Message([]));
        request.Headers.TryAddWithoutValidation("x-bin", "AQI,AQI=,");
        Assert.Equal("0", (await CallAsync(peer, request)).Status);
        Assert.Equal([[1, 2], [1, 2], []], await seen.Task);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("a.B/C")]
    [InlineData("//C")]
    [InlineData("/a.B/")]
    [InlineData("/a.B")]
    public void PathsThatAreNoneAreRefused(string path) => Assert.Throws<ArgumentException>(() => new GrpcServer().Add(path, _ => Task.CompletedTask));

    [Fact]
    public async Task HealthIsAnsweredWhileAnotherCallSendsAllItCan()
    {
        GrpcServer server = new();
        server.Add("/a.B/Flood", async call =>
        {
            byte[] body = new byte[32 * 1024];
            while (true)
            {
                await call.WriteMessageAsync(default, body, moreFollows: true, call.CancellationToken);
            }
        });
        await using HttpClientPeer peer = await HttpClientPeer.ServeAsync(server.RunAsync);
        using HttpResponseMessage flood = await peer.Client.SendAsync(Request("/a.B/Flood", Message([])), TestToken);
        Stream content = await flood.Content.ReadAsStreamAsync(TestToken);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(TestToken);
        Task reading = Task.Run(async () =>
        {
            byte[] buffer = new byte[100_000];
            while (!stop.IsCancellationRequested)
            {
                await content.ReadExactlyAsync(buffer, TestToken);
            }
        }, TestToken);
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal("0", (await CallAsync(peer, CheckPath, Message([])).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Status);
        }

        await stop.CancelAsync();
        await reading;
    }

    private static byte[] Message(byte[] message)
    {
        byte[] framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    private static HttpRequestMessage Request(string path, byte[] body)
    {
        HttpRequestMessage request = HttpClientPeer.NewRequest(path, new ByteArrayContent(body));
        request.Content!.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        return request;
    }

    private static Task<Answer> CallAsync(HttpClientPeer peer, string path, byte[] body) => CallAsync(peer, Request(path, body));

    private static async Task<Answer> CallAsync(HttpClientPeer peer, HttpRequestMessage request)
    {
        using HttpResponseMessage response = await peer.Client.SendAsync(request, TestToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType?.MediaType);
        byte[] body = await response.Content.ReadAsByteArrayAsync(TestToken);
        bool trailersOnly = response.Headers.Contains("grpc-status");
        HttpHeaders trailers = trailersOnly ? response.Headers : response.TrailingHeaders;
        List<byte[]> messages = new();
        for (int position = 0; position < body.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(position + 1));
            messages.Add(body[(position + 5)..(position + 5 + length)]);
            position += 5 + length;
        }

        return new Answer(First("grpc-status") ?? "none", First("grpc-message") ?? "", First("grpc-status-details-bin"), messages, trailersOnly);

        string? First(string name) => trailers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null;
    }

    private sealed record Answer(string Status, string StatusMessage, string? Details, List<byte[]> Messages, bool TrailersOnly);
}
