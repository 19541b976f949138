using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Wire.Grpc;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines;

[SupportedOSPlatform("linux")]
public sealed class ConnectionTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ocb");

    private CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(true);

    [Fact]
    public async Task Connects_over_a_unix_socket_and_over_tcp()
    {
        using Socket unix = Listen("a.sock");
        await using (await Connector($"unix://{Socket("a.sock")}").ConnectAsync(Token))
        {
            (await unix.AcceptAsync(Token)).Dispose();
        }

        using Socket tcp = new(SocketType.Stream, ProtocolType.Tcp);
        tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        tcp.Listen();
        int port = ((IPEndPoint)tcp.LocalEndPoint!).Port;
        foreach (string host in (string[])["localhost", "127.0.0.1"])
        {
            await using Stream stream = await Connector($"tcp://{host}:{port}").ConnectAsync(Token);
            (await tcp.AcceptAsync(Token)).Dispose();
        }
    }

    [Fact]
    public async Task Tells_apart_why_there_is_no_connection()
    {
        Assert.Equal(EngineConnectReason.NotFound, (await FailAsync($"unix://{Socket("none.sock")}")).Reason);
        Assert.Equal(EngineConnectReason.NotFound, (await FailAsync($"unix://{Socket("none/none.sock")}")).Reason);
        using (Listen("moved.sock"))
        {
            // .NET removes the file of a socket that it closes, so this one is moved out of its reach.
            File.Move(Socket("moved.sock"), Socket("dead.sock"));
        }

        Assert.Equal(EngineConnectReason.Refused, (await FailAsync($"unix://{Socket("dead.sock")}")).Reason);
        File.WriteAllText(Socket("file"), "");
        EngineConnectException file = await FailAsync($"unix://{Socket("file")}");
        Assert.Equal(EngineConnectReason.NotAnEngine, file.Reason);
        Assert.Contains("is not a socket", file.Message, StringComparison.Ordinal);
        Assert.Equal(EngineConnectReason.NotAnEngine, (await FailAsync($"unix://{_directory.FullName}")).Reason);
        Assert.Equal(EngineConnectReason.NotFound, (await FailAsync($"unix://{Socket("file/x.sock")}")).Reason);
        using Socket free = new(SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Equal(EngineConnectReason.Refused, (await FailAsync($"tcp://127.0.0.1:{((IPEndPoint)free.LocalEndPoint!).Port}")).Reason);
    }

    [Fact]
    public void A_socket_that_was_made_just_now_is_waited_for()
    {
        using (Listen("late.sock"))
        {
            EngineConnectException late = new SocketConnector(EngineAddress.Parse($"unix://{Socket("late.sock")}")).Explain(new SocketException((int)SocketError.AddressNotAvailable));
            Assert.Equal((EngineConnectReason.NotFound, true), (late.Reason, late.MayBeStarting));
        }
    }

    [Fact]
    public void Permission_denied_tells_who_is_let_in()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Another user's rights can only be tried out as root.");
        File.SetUnixFileMode(_directory.FullName, (UnixFileMode)0b111_101_101);
        using Socket listening = Listen("a.sock");
        File.SetUnixFileMode(Socket("a.sock"), (UnixFileMode)0b110_110_000);
        EngineConnectException closed = OtherUser.Run(() => Fail("a.sock"));
        Assert.Equal(EngineConnectReason.PermissionDenied, closed.Reason);
        Assert.Equal("nobody", closed.Access!.User);
        Assert.Equal("root", closed.Access.Owner);
        Assert.Equal("root", closed.Access.Group);
        Assert.Equal((UnixFileMode)0b110_110_000, closed.Access.Mode);
        Assert.Null(closed.Access.ClosedDirectory);
        Assert.True(closed.Access.GroupOpens);
        Assert.False(closed.Access.NeedsNewLogin);
        Assert.Contains("nobody has no access to the socket (root:root, mode 0660)", closed.Message, StringComparison.Ordinal);

        string inner = Directory.CreateDirectory(Path.Combine(_directory.FullName, "d", "e")).FullName;
        File.SetUnixFileMode(Path.GetDirectoryName(inner)!, (UnixFileMode)0b111_000_000);
        EngineConnectException directory = OtherUser.Run(() => Fail("d/e/a.sock"));
        Assert.Equal(EngineConnectReason.PermissionDenied, directory.Reason);
        Assert.Equal(Path.GetDirectoryName(inner), directory.Access!.ClosedDirectory);
        Assert.False(directory.Access.GroupOpens);

        EngineConnectException Fail(string name) =>
            Assert.Throws<EngineConnectException>(() => Connector($"unix://{Socket(name)}").ConnectAsync(Token).AsTask().GetAwaiter().GetResult());
    }

    [Fact]
    public async Task Retries_an_engine_that_is_starting_and_reports_each_attempt()
    {
        ManualClock clock = new() { Patience = TimeSpan.FromHours(1) };
        List<ConnectAttempt> attempts = [];
        Socket? listening = null;
        EngineConnectOptions options = new()
        {
            TimeProvider = clock,
            ConnectTimeout = TimeSpan.FromHours(2),
            OnFailedAttempt = attempt =>
            {
                attempts.Add(attempt);
                listening = attempt.Number == 4 ? Listen("late.sock") : null;
            },
        };
        await using Stream stream = await ConnectRetry.ConnectAsync(Connector($"unix://{Socket("late.sock")}"), options, Token);
        listening!.Dispose();
        Assert.Equal([0.0, 1.0, 2.0, 4.0], attempts.Select(static a => a.NextIn!.Value.TotalSeconds));
        Assert.All(attempts, static a => Assert.Equal(EngineConnectReason.NotFound, a.Error.Reason));
    }

    [Fact]
    public async Task Gives_up_after_ten_attempts()
    {
        ManualClock clock = new() { Patience = TimeSpan.FromHours(1) };
        EngineConnectOptions options = new() { TimeProvider = clock, ConnectTimeout = TimeSpan.FromHours(2) };
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            async () => await ConnectRetry.ConnectAsync(Connector($"unix://{Socket("none.sock")}"), options, Token));
        Assert.Equal(10, e.Attempts);
        Assert.Equal(79, clock.Elapsed.TotalSeconds);
    }

    [Fact]
    public async Task Does_not_retry_what_waiting_does_not_mend()
    {
        int attempts = 0;
        foreach (EngineConnectReason reason in (EngineConnectReason[])[EngineConnectReason.PermissionDenied, EngineConnectReason.NotAnEngine, EngineConnectReason.Rejected])
        {
            EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectRetry.RunAsync<Stream>(
                _ => throw new EngineConnectException(reason, null, "no"),
                EngineAddress.Parse("/x/y"),
                new EngineConnectOptions { OnFailedAttempt = _ => attempts++ },
                Token));
            Assert.Equal(1, e.Attempts);
        }

        Assert.Equal(3, attempts);
    }

    [Fact]
    public async Task Silence_is_a_timeout_and_cancelling_is_none()
    {
        using Socket silent = Listen("silent.sock");
        IEngineConnector connector = Connector($"docker://{Socket("silent.sock")}");
        EngineConnectOptions options = new() { ConnectTimeout = TimeSpan.FromMilliseconds(150) };
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(async () => await ConnectRetry.ConnectAsync(connector, options, Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        using CancellationTokenSource cancelled = new();
        Task attempt = ConnectRetry.ConnectAsync(connector, new EngineConnectOptions(), cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => attempt);
    }

    [Fact]
    public async Task A_listener_on_a_socket_that_says_nothing_ends_within_the_time_to_connect()
    {
        using Socket silent = Listen("mute.sock");
        EngineAddress address = EngineAddress.Parse($"unix://{Socket("mute.sock")}");
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            () => BuildKitClient.ConnectAsync(address, new EngineConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(500) }, Token).WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        Assert.StartsWith($"{address} accepted the connection, but sent nothing within 0.5 s", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "did not connect it to port 8088 of the virtual machine within 0.5 s.")]
    [InlineData(true, "sent nothing within 0.5 s: no engine listens on port 8088 of the virtual machine, or it is stopped or still starting.")]
    public async Task A_virtual_machine_that_says_nothing_ends_within_the_time_to_connect(bool hasPort, string said)
    {
        await using RawServer monitor = new(async (stream, token) =>
        {
            await stream.ReadExactlyAsync(new byte["CONNECT 8088\n".Length], token);
            await stream.WriteAsync(hasPort ? "OK 5\n"u8.ToArray() : [], token);
            await Task.Delay(Timeout.Infinite, token);
        });
        await ExpectSilenceAsync(EngineAddress.Parse($"vsock+unix://{monitor.Path}:8088"), "accepted the connection, but " + said);
    }

    [Fact]
    public async Task A_socket_of_systemd_whose_engine_says_nothing_ends_within_the_time_to_connect()
    {
        // SO_PEERCRED has the process that called listen. Perl's $0 is the name of its process.
        using Process manager = Process.Start(new ProcessStartInfo("perl", [
            "-MIO::Socket::UNIX", "-e", "$0 = 'systemd'; my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die; $| = 1; print qq(.\n); <STDIN>", Socket("unit.sock")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal(".", await manager.StandardOutput.ReadLineAsync(Token));
        await ExpectSilenceAsync(
            EngineAddress.Parse($"unix://{Socket("unit.sock")}"),
            "accepted the connection, but sent nothing within 0.5 s: systemd listens there, and the engine that it starts with the first connection is stopped or still starting.");
        manager.StandardInput.Close();
        await manager.WaitForExitAsync(Token);
    }

    [Theory]
    [InlineData("vsock://local:8088", "port 8088 of this machine,")]
    [InlineData("vsock://host:8088", "port 8088 of the host of this virtual machine,")]
    [InlineData("vsock://77:8088", "port 8088 of the virtual machine 77,")]
    public void What_vsock_did_is_told_by_its_end(string address, string said) =>
        Assert.Contains($"no engine listens on {said} or it is stopped", SilentPeer.Cause(EngineAddress.Parse(address), startsOnDemand: false), StringComparison.Ordinal);

    private async Task ExpectSilenceAsync(EngineAddress address, string said)
    {
        EngineConnectException e = await Assert.ThrowsAsync<EngineConnectException>(
            () => BuildKitClient.ConnectAsync(address, new EngineConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(500) }, Token).WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Equal(EngineConnectReason.Timeout, e.Reason);
        Assert.Equal($"{address} {said}", e.Message);
    }

    private static IEngineConnector Connector(string address) => EngineConnectors.Create(EngineAddress.Parse(address), new EngineConnectOptions());

    private string Socket(string name) => Path.Combine(_directory.FullName, name);

    private Socket Listen(string name)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Socket(name)));
        socket.Listen();
        return socket;
    }

    private async Task<EngineConnectException> FailAsync(string address) =>
        await Assert.ThrowsAsync<EngineConnectException>(async () => await Connector(address).ConnectAsync(Token));
}
