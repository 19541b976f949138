using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>An engine that also listens on TCP with mutual TLS. The stand-in of buildkitd listens on its socket only; a real one answers.</summary>
public sealed class TcpListenerTests
{
    private const string Address = "127.0.0.1:1234";
    private const string Command = "systemctl show -P ExecStart buildkit.service";

    [Fact]
    public void Listens_Again_Update_Without_Uninstall()
    {
        using SystemdHost host = SystemdHost.Boot("trixie");
        TestArchive archive = TestArchive.UnderTest(host);
        host.Driver("certificates", "--path", "/etc/test-pki").Ok();
        string before = host.Snapshot();
        string[] install = ["install", "--worker", "Oci", .. archive.Options];

        host.Driver([.. install, "--listen-tcp", Address]).Failed("InvalidInput");
        host.Shell("chmod 644 /etc/test-pki/server/engine/key.pem");
        host.Driver([.. install, "--listen-tcp", Address, "--certificates", "/etc/test-pki/server/engine"]).Failed("InvalidInput");
        host.Shell("chmod 600 /etc/test-pki/server/engine/key.pem");
        Assert.Equal(before, host.Snapshot());

        DriverAnswer first = host.Driver([.. install, "--listen-tcp", Address, "--certificates", "/etc/test-pki/server/engine"]).Ok();
        Assert.Equal(("true", Address), (first["Changed"], first["ListenTcp"]));
        Assert.Contains("equivalent to root", first["Messages"], StringComparison.Ordinal);
        Assert.Contains($"--addr fd:// --addr tcp://{Address} --tlscacert /etc/test-pki/server/engine/ca.pem ", host.Shell(Command), StringComparison.Ordinal);
        if (TestArchive.Real is not null)
        {
            Assert.Equal("true", host.Driver("ask", "--address", $"tcp://{Address}", "--certificates", "/etc/test-pki/client/ci").Ok()["Answers"]);
            Assert.Contains("NotAnEngine", host.Driver("ask", "--address", $"tcp://{Address}").Ok()["Reason"], StringComparison.Ordinal);
        }

        Assert.Equal(("false", Address), (host.Driver(install).Ok()["Changed"], host.Driver("get").Ok()["ListenTcp"]));
        host.Driver([.. install, "--isolated"]).Failed("InvalidInput");

        TestArchive next = TestArchive.StandIn(host, "v0.33.0");
        Assert.Equal(Address, host.Driver(["update", .. next.Options]).Ok()["ListenTcp"]);
        Assert.Contains("--tlskey", host.Shell(Command), StringComparison.Ordinal);

        DriverAnswer closed = host.Driver(["install", "--worker", "Oci", "--listen-tcp", "", .. next.Options]).Ok();
        Assert.Equal(("true", "null"), (closed["Changed"], closed["ListenTcp"]));
        Assert.DoesNotContain("tcp", host.Shell(Command), StringComparison.Ordinal);

        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }
}
