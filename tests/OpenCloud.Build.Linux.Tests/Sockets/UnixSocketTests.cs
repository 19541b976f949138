using System.Diagnostics;
using System.Net.Sockets;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Sockets;

public sealed class UnixSocketTests : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly List<Socket> _open = [];

    private string Address => _scratch["s"];

    [Fact]
    public void ConnectsAndTellsWhoListens()
    {
        using Socket listener = Listen(8);
        using Socket socket = UnixSocket.Connect(Address, UnixSocket.DefaultTimeout, TestContext.Current.CancellationToken);
        Assert.True(socket.Connected);
        Assert.True(socket.Blocking);
        PeerCredentials peer = PeerCredentials.Of(socket);
        Assert.Equal((Environment.ProcessId, LinuxCalls.EffectiveUserId), (peer.Pid, peer.Uid));
    }

    [Fact]
    public void GivesUpOnAFullBacklog()
    {
        using Socket listener = Listen(0);
        Fill();
        long start = Stopwatch.GetTimestamp();
        SocketException error = Assert.Throws<SocketException>(() => UnixSocket.Connect(Address, TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken));
        Assert.Equal(SocketError.TimedOut, error.SocketErrorCode);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopsWaitingForAFullBacklogWhenToldTo(bool asynchronously)
    {
        using Socket listener = Listen(0);
        Fill();
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(300));
        Task connecting = asynchronously
            ? UnixSocket.ConnectAsync(Address, TimeSpan.FromHours(1), stop.Token).AsTask()
            : Task.Run(() => UnixSocket.Connect(Address, TimeSpan.FromHours(1), stop.Token), TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ConnectsOnceSomebodyAccepts()
    {
        using Socket listener = Listen(0);
        Fill();
        Task<Socket> connecting = UnixSocket.ConnectAsync(Address, TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken).AsTask();
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(connecting.IsCompleted);
        _open.Add(await listener.AcceptAsync(TestContext.Current.CancellationToken));
        using Socket socket = await connecting;
        Assert.True(socket.Connected);
    }

    [Fact]
    public void TellsThatNobodyListens()
    {
        using Socket bound = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        bound.Bind(new UnixDomainSocketEndPoint(Address));
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => UnixSocket.Connect(Address, UnixSocket.DefaultTimeout, TestContext.Current.CancellationToken)).SocketErrorCode);
    }

    [Fact]
    public void NothingIsAwaitedAsSomebodyElse()
        => Assert.Throws<ArgumentException>(() => { _ = IdentityThread.Run(Identity.Current(), () => Task.FromResult(1)); });

    [Fact]
    public void ActsAsAnotherOnItsThreadAlone()
    {
        Assert.SkipUnless(Scratch.IsRoot, "needs root to be another");
        string closed = _scratch.Text("closed");
        File.SetUnixFileMode(closed, UnixFileMode.UserRead);
        Assert.Throws<UnauthorizedAccessException>(() => IdentityThread.Run(new Identity(Scratch.Stranger, Scratch.Stranger, []), () => File.ReadAllText(closed)));
        Assert.Equal("text", File.ReadAllText(closed));
    }

    public void Dispose()
    {
        _open.ForEach(static socket => socket.Dispose());
        _scratch.Dispose();
    }

    private Socket Listen(int backlog)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Address));
        listener.Listen(backlog);
        return listener;
    }

    // The kernel takes one more than the backlog says.
    private void Fill() => _open.Add(UnixSocket.Connect(Address, UnixSocket.DefaultTimeout, TestContext.Current.CancellationToken));
}
