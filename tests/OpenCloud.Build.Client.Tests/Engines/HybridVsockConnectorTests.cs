using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Client.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines;

public sealed class HybridVsockConnectorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Waits_for_OK_and_leaves_every_byte_after_it()
    {
        string request = "";
        bool early = true;
        await using RawServer server = new(async (stream, token) =>
        {
            request = await ReadLineAsync(stream, token);
            // Byte by byte, as a slow monitor may send it; nothing may be said before the line is whole.
            foreach (byte one in "OK 1073741824\n"u8.ToArray())
            {
                early &= !((NetworkStream)stream).DataAvailable;
                await stream.WriteAsync(new[] { one }, token);
            }

            await stream.WriteAsync("first bytes"u8.ToArray(), token);
            await stream.ReadExactlyAsync(new byte[1], token);
        });
        await using Stream stream = await ConnectAsync(server, 8088);
        byte[] bytes = new byte["first bytes".Length];
        await stream.ReadExactlyAsync(bytes, Token);
        Assert.Equal("first bytes", Encoding.ASCII.GetString(bytes));
        await stream.WriteAsync(new byte[1], Token);
        Assert.Equal("CONNECT 8088\n", request);
        Assert.True(early);
    }

    [Theory]
    [InlineData("", EngineConnectReason.Refused, "no process in the virtual machine listens on port 8088")]
    [InlineData("OK 107374", EngineConnectReason.NotAnEngine, "answered 'OK 107374'")]
    [InlineData("OK \n", EngineConnectReason.NotAnEngine, "answered 'OK '")]
    [InlineData("OK -1\n", EngineConnectReason.NotAnEngine, "answered 'OK -1'")]
    [InlineData("NO\x07\n", EngineConnectReason.NotAnEngine, "answered 'NO?'")]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", EngineConnectReason.NotAnEngine, "answered 'HTTP/1.1 400 Bad Request'")]
    public async Task Tells_what_else_it_met(string answer, EngineConnectReason reason, string said)
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await ReadLineAsync(stream, token);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), token);
        });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectAsync(server, 8088));
        Assert.Equal(reason, e.Reason);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.Equal(reason == EngineConnectReason.Refused, e.MayBeStarting);
    }

    [Fact]
    public async Task Bounds_the_line()
    {
        await using RawServer server = new(async (stream, token) =>
        {
            await ReadLineAsync(stream, token);
            await stream.WriteAsync(Encoding.ASCII.GetBytes("OK " + new string('1', 100_000)), token);
        });
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectAsync(server, 1));
        Assert.Equal(EngineConnectReason.NotAnEngine, e.Reason);
        Assert.True(e.Message.Length < 400, e.Message);
    }

    [Fact]
    public async Task A_hang_up_before_the_request_is_read_is_a_closed_port()
    {
        await using RawServer server = new((stream, _) =>
        {
            ((NetworkStream)stream).Socket.LingerState = new LingerOption(true, 0);
            return Task.CompletedTask;
        });
        Assert.Equal(EngineConnectReason.Refused, (await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectAsync(server, 1))).Reason);
    }

    [Fact]
    public async Task A_silent_guest_is_given_up_and_tried_again_and_each_attempt_is_told()
    {
        BootingClock clock = new();
        await using RawServer server = new(async (stream, token) =>
        {
            await ReadLineAsync(stream, token);

            // It boots: its monitor has taken the connections, and nobody within answers, until two have been given up.
            await clock.Booted.WaitAsync(token);
            await stream.WriteAsync("OK 5\nx"u8.ToArray(), token);
            await Task.Delay(Timeout.Infinite, token);
        });
        List<ConnectAttempt> failed = [];
        EngineConnectOptions options = new() { TimeProvider = clock, ConnectTimeout = TimeSpan.FromMinutes(1), OnFailedAttempt = failed.Add };
        IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse($"vsock+unix://{server.Path}:8088"), options);
        await using Stream stream = await ConnectRetry.ConnectAsync(connector, options, Token);
        Assert.Equal('x', stream.ReadByte());
        Assert.Equal([EngineConnectReason.Timeout, EngineConnectReason.Timeout], failed.Select(static a => a.Error.Reason));
        Assert.All(failed, static a => Assert.Contains("did not answer within 2 s", a.Error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_monitor_it_fails_as_a_unix_socket_does_and_cancelling_is_no_error_of_its()
    {
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            async () => await EngineConnectors.Create(EngineAddress.Parse("vsock+unix:///nowhere/vm.sock:1"), new EngineConnectOptions()).ConnectAsync(Token));
        Assert.Equal((EngineConnectReason.NotFound, true), (e.Reason, e.MayBeStarting));
        await using RawServer server = new((_, token) => Task.Delay(Timeout.Infinite, token));
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await EngineConnectors
            .Create(EngineAddress.Parse($"vsock+unix://{server.Path}:1"), new EngineConnectOptions()).ConnectAsync(stop.Token));
    }

    private static async Task<string> ReadLineAsync(Stream stream, CancellationToken token)
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (!line.ToString().EndsWith('\n') && await stream.ReadAsync(one, token) == 1)
        {
            line.Append((char)one[0]);
        }

        return line.ToString();
    }

    private static ValueTask<Stream> ConnectAsync(RawServer server, uint port) =>
        EngineConnectors.Create(EngineAddress.Parse($"vsock+unix://{server.Path}:{port}"), new EngineConnectOptions()).ConnectAsync(Token);

    /// <summary>The patience with a guest ends at once, twice; the pauses between attempts always do.</summary>
    private sealed class BootingClock : TimeProvider
    {
        private readonly TaskCompletionSource _booted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _given;
        private int _over;

        public Task Booted => _booted.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            bool fires = dueTime == HybridVsockConnector.Patience ? Volatile.Read(ref _given) < 2 : dueTime >= TimeSpan.Zero && dueTime < TimeSpan.FromSeconds(30);
            if (dueTime == HybridVsockConnector.Patience && fires)
            {
                Interlocked.Increment(ref _given);
            }

            return base.CreateTimer(dueTime == HybridVsockConnector.Patience ? GiveUp : callback, state, fires ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

            void GiveUp(object? given)
            {
                callback(given);
                if (Interlocked.Increment(ref _over) == 2)
                {
                    _booted.SetResult();
                }
            }
        }
    }
}
