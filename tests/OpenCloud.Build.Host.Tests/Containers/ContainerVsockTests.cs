using OpenCloud.Build.Host.Containers;
using OpenCloud.Build.Host.Files;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Containers;

/// <summary>The units of vsock ports for engines in containers; <see cref="Hosts.GuestTests"/> opens them.</summary>
public sealed class ContainerVsockTests
{
    private static readonly ContainerVsock Proxied = new() { Engine = "buildkitd", Store = "unix:///run/containerd/containerd.sock", Port = 8088, Socket = "/var/lib/opencloud-build/containers/buildkitd/run/buildkitd.sock" };

    private static readonly ContainerVsock Carried = new() { Engine = "ci.2", Store = "docker:///var/run/docker.sock", Port = 9, DockerSocket = "/var/run/docker.sock" };

    // Others than root are refused first.
    private static HostErrorKind Refusal => Environment.UserName == "root" ? HostErrorKind.InvalidInput : HostErrorKind.NotRoot;

    [Fact]
    public void AnEngineWithASocket_IsBehindTheProxy()
    {
        ContainerVsockUnits units = new(Proxied, null);

        Assert.Equal("/etc/systemd/system/opencloud-build-buildkitd-vsock.socket", units.SocketPath);
        Assert.Equal("/etc/systemd/system/opencloud-build-buildkitd-vsock.service", units.ServicePath);
        Assert.Contains("\nListenStream=vsock::8088\nAccept=no\n", units.Socket, StringComparison.Ordinal);
        Assert.Contains($"\nExecStart=/usr/lib/systemd/systemd-socket-proxyd --exit-idle-time=10min {Proxied.Socket}\nPrivateNetwork=yes\n", units.Service, StringComparison.Ordinal);
    }

    [Fact]
    public void AnEngineOfDocker_HasAProcessPerConnection()
    {
        ContainerVsockUnits units = new(Carried, "/usr/bin/docker");

        Assert.Equal("/etc/systemd/system/opencloud-build-ci.2-vsock@.service", units.ServicePath);
        Assert.Contains("\nListenStream=vsock::9\nAccept=yes\nMaxConnections=256\n", units.Socket, StringComparison.Ordinal);
        Assert.Contains("\nExecStart=/usr/bin/docker --host unix:///var/run/docker.sock exec -i ci.2 buildctl dial-stdio\nStandardInput=socket\nStandardOutput=socket\nStandardError=journal\n", units.Service, StringComparison.Ordinal);
    }

    [Fact]
    public void ASocketUnit_RecordsWhoseItIs()
    {
        foreach (ContainerVsock wanted in (ContainerVsock[])[Proxied, Carried])
        {
            string text = new ContainerVsockUnits(wanted, "/usr/bin/docker").Socket;

            Assert.StartsWith(OwnedText.Seal(string.Empty)[..20], text, StringComparison.Ordinal);
            Assert.Equal((wanted.Store, wanted.Port), ContainerVsockUnits.Parse(text));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[X-OpenCloud.Build]")]
    [InlineData("[X-OpenCloud.Build]\nStore=a")]
    [InlineData("[X-OpenCloud.Build]\nStore=a\nPort=-1")]
    [InlineData("[X-OpenCloud.Build]\nStore=a\nPort=4294967296")]
    [InlineData("[X-OpenCloud.Build]\nPort=1\nStore=a")]
    public void AnotherText_RecordsNothing(string text) => Assert.Null(ContainerVsockUnits.Parse(text));

    [Theory]
    [InlineData("a b")]
    [InlineData("a\nExecStart=b")]
    [InlineData("%h")]
    [InlineData("../x")]
    [InlineData("-x")]
    [InlineData("")]
    public void ANameThatNoUnitCanHave_IsRefused(string engine)
    {
        Assert.False(ContainerVsockUnits.IsEngine(engine));
        Assert.Null(ContainerVsockPorts.Find(engine, Proxied.Store));
        Assert.Equal(Refusal, Assert.Throws<HostException>(() => ContainerVsockPorts.Check(Proxied with { Engine = engine })).Kind);
    }

    [Theory]
    [InlineData("/run/a b.sock")]
    [InlineData("/run/%h.sock")]
    [InlineData("/run/$HOME.sock")]
    [InlineData("/run/a\nb.sock")]
    [InlineData("/run/\"a.sock")]
    public void APathThatAUnitWouldChange_IsRefused(string socket) => Assert.False(ContainerVsockUnits.IsPlain(socket));

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    public void APortThatIsNone_IsRefused(uint port) =>
        Assert.Equal(Refusal, Assert.Throws<HostException>(() => ContainerVsockPorts.Check(Proxied with { Port = port })).Kind);
}
