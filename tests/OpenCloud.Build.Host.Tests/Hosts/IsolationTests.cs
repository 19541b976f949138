using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// Engines without a network, each case on a fresh host. Nothing here opens a vsock port: these hosts share this machine's
/// kernel (see <see cref="GuestTests"/>).
/// </summary>
public abstract class IsolationTests(string suite)
{
    /// <summary>The network interfaces that the engine sees.</summary>
    internal const string EngineInterfaces = "sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/$(systemctl show -P MainPID buildkit.service)/net/dev";

    [Fact]
    public void Isolated_Again_Reboot_Update_Uninstall()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();

        DriverAnswer first = host.Driver(["install", "--isolated", .. archive.Options]).Ok();
        Assert.Equal(("true", "true", "Oci", "null"), (first["Changed"], first["Isolated"], first["Worker"], first["VsockPort"]));
        Assert.Equal("lo\n", host.Shell(EngineInterfaces));
        Assert.Contains("[X-OpenCloud.Build]\nIsolated=yes", host.Run("cat", "/etc/systemd/system/buildkit.service"), StringComparison.Ordinal);
        Assert.Equal("yes always", host.Shell("echo $(systemctl show -P PrivateNetwork buildkit) $(systemctl show -P Restart buildkit)").Trim());
        Assert.Contains("\"build.opencloud.network\" = \"none\"", host.Run("cat", "/etc/buildkit/buildkitd.toml"), StringComparison.Ordinal);
        host.Shell("! test -e /etc/systemd/system/buildkit-vsock.socket; ! command -v containerd");

        // Again, as it was asked for and without saying so: nothing changes, least of all the network.
        string installed = host.Snapshot();
        Assert.Equal("false", host.Driver(["install", "--isolated", .. archive.Options]).Ok()["Changed"]);
        DriverAnswer silent = host.Driver(["install", .. archive.Options]).Ok();
        Assert.Equal(("false", "true"), (silent["Changed"], silent["Isolated"]));
        Assert.Contains("stays isolated. To give it", silent["Messages"], StringComparison.Ordinal);
        Assert.Equal(installed, host.Snapshot());

        host.Reboot();
        Assert.Equal("false", host.Driver(["install", "--isolated", .. archive.Options]).Ok()["Changed"]);
        Assert.Equal("lo\n", host.Shell(EngineInterfaces));
        DriverAnswer found = host.Driver("get").Ok();
        Assert.Equal(("true", "null"), (found["Isolated"], found["VsockPort"]));
        Assert.DoesNotContain("changed\"", found["Files"], StringComparison.Ordinal);

        // The plugin is part of the installation: what is missing of it comes back.
        host.Shell("rm /usr/local/libexec/opencloud.build/loopback");
        Assert.Contains("\"missing\"", host.Driver("get").Ok()["Files"], StringComparison.Ordinal);
        Assert.Equal("true", host.Driver(["install", "--isolated", .. archive.Options]).Ok()["Changed"]);
        host.Shell("test -x /usr/local/libexec/opencloud.build/loopback");

        TestArchive next = TestArchive.StandIn(host, "v0.33.0");
        DriverAnswer updated = host.Driver(["update", .. next.Options]).Ok();
        Assert.Equal(("v0.33.0", "true"), (updated["Version"], updated["Isolated"]));
        Assert.Equal("lo\n", host.Shell(EngineInterfaces));

        // As a real engine notes its steps' networks, of which some are left when it is killed.
        host.Shell("test $(stat -c %a /var/lib/cni/results) = 700; cd /var/lib/cni/results; touch opencloud.build-isolated-s6xcrbu9i8lv8x5xkd4pbt0cu-eth0 cni-loopback-s6xcrbu9i8lv8x5xkd4pbt0cu-lo");
        host.Driver("uninstall").Ok();
        host.Shell("! test -e /usr/local/libexec; test -e /var/lib/buildkit");
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void WithANetwork_ThenWithout_ThenWithAgain()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok();
        string open = WithoutEngineState(host.Snapshot());
        host.Driver(["install", "--isolated", .. archive.Options]).Ok();
        Assert.Equal("lo\n", host.Shell(EngineInterfaces));

        DriverAnswer opened = host.Driver(["install", "--isolated", "false", .. archive.Options]).Ok();
        Assert.Equal(("true", "false", "Oci"), (opened["Changed"], opened["Isolated"], opened["Worker"]));
        Assert.Equal("no", host.Run("systemctl", "show", "-P", "PrivateNetwork", "buildkit").Trim());
        Assert.Contains("Remove the file", opened["Steps"], StringComparison.Ordinal);
        Assert.Equal(open, WithoutEngineState(host.Snapshot()));
        Assert.Equal("false", host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok()["Changed"]);
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    // What a real engine keeps there is its own affair, and goes with a purge.
    private static string WithoutEngineState(string snapshot)
        => string.Join('\n', snapshot.Split('\n').Where(static line => !line.StartsWith("/var/lib/buildkit/", StringComparison.Ordinal)));

    [Fact]
    public void WhatCannotBe_IsRefused_AndWhatWouldBe_IsNamed()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        string before = host.Snapshot();
        Assert.Contains("daemon on the host's network", host.Driver(["install", "--isolated", "--worker", "Containerd", .. archive.Options]).Failed("InvalidInput")["Message"], StringComparison.Ordinal);
        host.Driver(["install", "--vsock-port", "8088", .. archive.Options]).Failed("InvalidInput");
        host.Driver(["install", "--isolated", "--vsock-port", "4294967295", .. archive.Options]).Failed("InvalidInput");

        DriverAnswer plan = host.Driver(["install", "--what-if", "--isolated", "--vsock-port", "8088", .. archive.Options]).Ok();
        foreach (string target in (string[])["/usr/local/libexec/opencloud.build", "/usr/local/libexec/opencloud.build/no-network", "/usr/local/libexec/opencloud.build/loopback",
            "/usr/local/libexec/opencloud.build/no-network.conflist", "/var/lib/cni", "/etc/buildkit/buildkitd.toml", "/etc/systemd/system/buildkit.service",
            "/etc/systemd/system/buildkit-vsock.socket", "/etc/systemd/system/buildkit-vsock.service", "buildkit-vsock.socket"])
        {
            Assert.Contains($"\"Target\":\"{target}\"", plan["Steps"], StringComparison.Ordinal);
        }

        Assert.Contains("every process on this machine", plan["Messages"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());

        // Settings of the user's could give steps a network; whoever wants none is to know.
        host.Shell("mkdir -p /etc/buildkit; printf '[worker.oci]\\n  networkMode = \"host\"\\n' > /etc/buildkit/buildkitd.toml");
        before = host.Snapshot();
        Assert.Contains("-  networkMode = \"host\"", host.Driver(["install", "--isolated", .. archive.Options]).Failed("Conflict")["Message"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void HandMadeUnit_LosesItsNetworkThroughADropIn()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.UnderTest(host);
        host.Shell(
            """
            printf '[Unit]\nRequires=buildkit.socket\nAfter=buildkit.socket\n[Service]\nType=notify\nExecStart=/usr/local/bin/buildkitd --addr fd://\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/buildkit.service
            systemctl daemon-reload
            """);
        string before = host.Snapshot();

        // The drop-in of the first run stays in force when the second adds to it.
        host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok();
        Assert.Equal("always no", host.Shell("echo $(systemctl show -P Restart buildkit) $(systemctl show -P PrivateNetwork buildkit)").Trim());
        host.Driver(["install", "--isolated", .. archive.Options]).Ok();
        Assert.Equal("always yes", host.Shell("echo $(systemctl show -P Restart buildkit) $(systemctl show -P PrivateNetwork buildkit)").Trim());
        Assert.Equal("lo\n", host.Shell(EngineInterfaces));
        Assert.Equal("false", host.Driver(["install", "--isolated", .. archive.Options]).Ok()["Changed"]);
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }
}

public sealed class BookwormIsolationTests() : IsolationTests("bookworm");

public sealed class TrixieIsolationTests() : IsolationTests("trixie");
