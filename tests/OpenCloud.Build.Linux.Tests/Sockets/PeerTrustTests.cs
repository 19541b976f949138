using System.Net.Sockets;
using System.Runtime.InteropServices;
using OpenCloud.Build.Client.Engines;
using Xunit;

namespace OpenCloud.Build.Linux.Tests.Sockets;

public sealed partial class PeerTrustTests
{
    [Theory]
    [InlineData(0u, 0u, "Trusted")]
    [InlineData(0u, 1000u, "Trusted")]
    [InlineData(1000u, 1000u, "Trusted")]
    [InlineData(1001u, 1000u, "Foreign")]
    [InlineData(1000u, 0u, "Foreign")]
    [InlineData(65534u, 0u, "Unproven")]
    [InlineData(65534u, 65534u, "Unproven")]
    public void TellsRootAndTheOwnerFromOthers(uint peer, uint owner, string expected)
        => Assert.Equal(expected, PeerJudgement.Of(peer, owner, 65534).ToString());

    [Theory]
    [InlineData("/run/buildkit/buildkitd.sock", true)]
    [InlineData("/var/run/docker.sock", true)]
    [InlineData("/run/user/1000/buildkit/buildkitd.sock", false)]
    [InlineData("/run/user/../buildkit/buildkitd.sock", true)]
    [InlineData("/tmp/buildkitd.sock", false)]
    public void KnowsTheSocketsOfTheSystem(string path, bool expected) => Assert.Equal(expected, PeerJudgement.IsOfSystem(path));

    [Theory]
    [InlineData(Scratch.Stranger, false)]
    [InlineData(65534u, true)]
    public async Task NothingIsSentToWhoPutASocketInTheEnginesPlace(uint impostor, bool warned)
    {
        Assert.SkipUnless(Scratch.IsRoot, "needs root to stand for two users");
        string folder = Directory.CreateDirectory($"/run/ocb-peer-{Environment.ProcessId}-{impostor}").FullName;
        try
        {
            FileStatus.Give(folder, 0, impostor, (UnixFileMode)0x1fd);
            string path = $"{folder}/s";
            using Socket listener = ListenAs(impostor, path);
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
            List<string> warnings = [];
            EngineConnectOptions options = new() { OnWarning = warnings.Add };
            IEngineConnector connector = EngineConnectors.Create(EngineAddress.Parse($"unix://{path}"), options);
            if (warned)
            {
                await using Stream stream = await connector.ConnectAsync(limit.Token);
                Assert.Contains("user namespace", Assert.Single(warnings), StringComparison.Ordinal);
            }
            else
            {
                EngineConnectException error = await Assert.ThrowsAsync<EngineConnectException>(async () => await connector.ConnectAsync(limit.Token));
                Assert.Equal(EngineConnectReason.UntrustedPeer, error.Reason);
                Assert.Empty(warnings);
            }
        }
        finally
        {
            TreeRemoval.Remove(folder, cancellationToken: CancellationToken.None);
        }
    }

    // The kernel notes who calls listen: the credentials of that thread.
    private static Socket ListenAs(uint uid, string path)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117; // setresuid
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                // The thread ends with this, so nothing is put back.
                listener.Bind(new UnixDomainSocketEndPoint(path));
                Assert.Equal(0, syscall(number, (nint)uid, (nint)uid, (nint)uid));
                listener.Listen(8);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? listener : throw failure;
    }

    [LibraryImport("libc")]
    private static partial nint syscall(nint number, nint first, nint second, nint third);
}
