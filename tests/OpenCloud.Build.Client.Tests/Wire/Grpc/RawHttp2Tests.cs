using System.Buffers.Binary;
using System.Text;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Tests.Engines;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Wire.Grpc;

/// <summary>Peers that misbehave beneath gRPC.</summary>
public sealed class RawHttp2Tests
{
    // :status 200, content-type: application/grpc, as HPACK literals.
    private static readonly byte[] AnswerHeaders = [0x88, 0x0f, 0x10, 16, .. "application/grpc"u8];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("unix", "docker://")]
    [InlineData("docker", "")]
    public async Task An_http1_server_is_recognized(string scheme, string hint)
    {
        await using RawServer server = new(async (stream, token) =>
        {
            string head = await RawServer.ReadHeadAsync(stream, token);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head.StartsWith("POST", StringComparison.Ordinal)
                ? "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\nHTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request"
                : "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request"), token);
            await stream.ReadAtLeastAsync(new byte[100_000], 100_000, false, token);
        });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => CallAsync(server, scheme));
        Assert.Equal(EngineConnectReason.NotAnEngine, e.Reason);
        Assert.Contains("HTTP/1", e.Message, StringComparison.Ordinal);
        Assert.Equal(hint.Length > 0, e.Message.Contains("use docker://", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Garbage_is_no_engine()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes("220 mail.example ESMTP\r\n"), token);

            // One that closed at once could be gone before it was written to.
            await stream.ReadAtLeastAsync(new byte[100_000], 100_000, false, token);
        });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(() => CallAsync(server));
        Assert.Equal(EngineConnectReason.NotAnEngine, e.Reason);
        Assert.Equal($"unix://{server.Path} is not BuildKit: it starts with '220 mail.example'.", e.Message);
    }

    [Fact]
    public async Task A_connection_cut_before_the_answer_is_unavailable()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await HandshakeAsync(stream, token);
            await ReadRequestAsync(stream, token);
        });
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => CallAsync(server));
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
        Assert.NotNull(e.InnerException);
    }

    [Fact]
    public async Task A_connection_cut_in_mid_answer_is_unavailable()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await HandshakeAsync(stream, token);
            await ReadRequestAsync(stream, token);
            await WriteFrameAsync(stream, 1, 4, 1, AnswerHeaders, token);
            await WriteFrameAsync(stream, 0, 0, 1, [0, 0, 0, 0, 100, 1, 2, 3], token);
        });
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => CallAsync(server));
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
        Assert.NotNull(e.InnerException);
    }

    [Theory]
    [InlineData(0x7, StatusCode.Unavailable)]
    [InlineData(0x8, StatusCode.Cancelled)]
    [InlineData(0xb, StatusCode.ResourceExhausted)]
    [InlineData(0x2, StatusCode.Internal)]
    public async Task A_reset_stream_has_the_status_of_its_code(byte code, StatusCode expected)
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await HandshakeAsync(stream, token);
            await ReadRequestAsync(stream, token);
            await WriteFrameAsync(stream, 1, 4, 1, AnswerHeaders, token);
            await WriteFrameAsync(stream, 3, 0, 1, [0, 0, 0, code], token);
            await stream.ReadAtLeastAsync(new byte[100_000], 100_000, false, token);
        });
        Assert.Equal(expected, (await Assert.ThrowsAsync<RpcException>(() => CallAsync(server))).StatusCode);
    }

    [Fact]
    public async Task Goaway_ends_the_call()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await HandshakeAsync(stream, token);
            await ReadRequestAsync(stream, token);
            await WriteFrameAsync(stream, 1, 4, 1, AnswerHeaders, token);
            await WriteFrameAsync(stream, 7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 0], token);
        });
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => CallAsync(server))).StatusCode);
    }

    [Fact]
    public async Task A_call_of_its_own_connection_ends_when_the_server_goes_away_without_it()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await HandshakeAsync(stream, token);
            await ReadRequestAsync(stream, token);
            await WriteFrameAsync(stream, 7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0], token);
            await stream.ReadAtLeastAsync(new byte[100_000], 100_000, false, token);
        });
        await using EngineChannel channel = Channel(server, "unix");
        RpcException e = await Assert.ThrowsAsync<RpcException>(
            () => new DedicatedCallInvoker(channel, WorkQueue.Pool).EchoAsync(new BytesMessage(), Token).WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
    }

    [Fact]
    public async Task A_server_that_waits_for_data_before_it_answers_does_not_block_the_opening()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await HandshakeAsync(stream, token);
            while ((await ReadFrameAsync(stream, token)).Type != 0)
            {
            }

            await WriteFrameAsync(stream, 1, 4, 1, AnswerHeaders, token);
            await WriteFrameAsync(stream, 0, 0, 1, [0, 0, 0, 0, 5, 0x0a, 3, (byte)'y', (byte)'e', (byte)'s'], token);
            await WriteFrameAsync(stream, 1, 5, 1, [0x00, 11, .. "grpc-status"u8, 1, (byte)'0'], token);
            await stream.ReadAtLeastAsync(new byte[100_000], 100_000, false, token);
        });
        await using EngineChannel channel = Channel(server, "unix");
        await using BytesMessageStream stream = await new DedicatedCallInvoker(channel, WorkQueue.Pool).OpenStreamAsync(Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
        Task<int> early = stream.ReadAsync(new byte[10], Token).AsTask();
        await stream.WriteAsync("hello"u8.ToArray(), Token);
        await stream.FlushAsync(Token);
        Assert.Equal(3, await early.WaitAsync(TimeSpan.FromSeconds(10), Token));
        Assert.Equal(0, await stream.ReadAsync(new byte[10], Token));
    }

    private static EngineChannel Channel(RawServer server, string scheme) =>
        new(EngineConnectors.Create(EngineAddress.Parse($"{scheme}://{server.Path}"), new EngineConnectOptions()));

    private static async Task CallAsync(RawServer server, string scheme = "unix")
    {
        await using EngineChannel channel = Channel(server, scheme);
        await channel.Pooled.EchoAsync(new BytesMessage(), Token).WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    private static async Task HandshakeAsync(Stream stream, CancellationToken token)
    {
        await stream.ReadExactlyAsync(new byte[24], token);
        await WriteFrameAsync(stream, 4, 0, 0, [], token);
    }

    private static async Task ReadRequestAsync(Stream stream, CancellationToken token)
    {
        (byte Type, byte Flags, byte[] Payload) frame;
        do
        {
            frame = await ReadFrameAsync(stream, token);
        }
        while (frame.Type is not 0 and not 1 || (frame.Flags & 1) == 0);
    }

    private static async Task<(byte Type, byte Flags, byte[] Payload)> ReadFrameAsync(Stream stream, CancellationToken token)
    {
        byte[] header = new byte[9];
        await stream.ReadExactlyAsync(header, token);
        byte[] payload = new byte[BinaryPrimitives.ReadUInt32BigEndian(header) >> 8];
        await stream.ReadExactlyAsync(payload, token);
        return (header[3], header[4], payload);
    }

    private static async Task WriteFrameAsync(Stream stream, byte type, byte flags, int id, byte[] payload, CancellationToken token)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), id);
        payload.CopyTo(frame, 9);
        await stream.WriteAsync(frame, token);
    }
}
