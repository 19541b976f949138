using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// pasta in place of slirp4netns. The host has a network of its own with a server at 192.0.2.1, and another one at its loopback,
/// which an engine must not reach.
/// </summary>
public sealed class RootlessNetworkTests
{
    private const string Network =
        """
        ip link add out0 type veth peer name out1; ip addr add 192.0.2.1/24 dev out0; ip link set out0 up; ip link set out1 up; ip route add default via 192.0.2.2
        mkdir -p /var/tmp/deb /var/tmp/outside /var/tmp/loop; echo outside > /var/tmp/outside/word; echo loop > /var/tmp/loop/word
        dpkg-deb -x /var/cache/apt/archives/busybox-static_*.deb /var/tmp/deb; cp "$(find /var/tmp/deb -path '*bin/busybox')" /var/tmp/busybox
        systemd-run --quiet --unit=outside /var/tmp/busybox httpd -f -p 192.0.2.1:8080 -h /var/tmp/outside
        systemd-run --quiet --unit=loop /var/tmp/busybox httpd -f -p 127.0.0.1:8081 -h /var/tmp/loop
        """;

    [Fact]
    public void Pasta_WhereItIs_ReachesServers_ButNotTheHostsLoopback()
    {
        using RootlessHost rootless = RootlessHost.Boot("trixie");
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        host.Shell("apt-get install -y -q --no-install-recommends passt iproute2 >/dev/null 2>&1");
        host.Shell(Network);
        string before = host.Snapshot();
        string[] install = ["install", "--rootless", "--user", "buildkituser", .. archive.Options];

        // A RootlessKit that does not know pasta is refused as soon as it is seen.
        host.Shell("mkdir /tmp/kit; printf '#!/bin/sh\\n' > /tmp/kit/rootlesskit; chmod 755 /tmp/kit/rootlesskit; tar -C /tmp/kit -czf /ocb/share/rootlesskit-x86_64.tar.gz rootlesskit; cd /ocb/share; sha256sum rootlesskit-x86_64.tar.gz > SHA256SUMS");
        DriverAnswer refused = host.Driver([.. install, "--kit", "/ocb/share/rootlesskit-x86_64.tar.gz"]).Failed("RootlessBlocked");
        Assert.Contains("does not support pasta", refused["Message"], StringComparison.Ordinal);
        Assert.Contains("slirp4netns", refused["Remedy"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());

        string? steps = host.Driver(install).Ok()["Steps"];
        Assert.DoesNotContain("slirp4netns", steps, StringComparison.Ordinal);
        host.Shell("grep -q -e '--net=pasta ' /home/buildkituser/.config/systemd/user/buildkit.service; pgrep -x 'pasta(.avx2)?' > /dev/null; ! command -v slirp4netns");
        string socket = rootless.SocketOf("buildkituser");
        Assert.Contains("\"Name\":\"Rootless: User-mode network\",\"State\":\"Ok\",\"Evidence\":\"/usr/bin/pasta\"", host.Driver("diagnose", "--path", socket, "--as", "buildkituser").Ok()["Checks"], StringComparison.Ordinal);
        Reaches(rootless, "buildkituser", socket, archive);

        // What is shared has the same network, and a reboot keeps it.
        host.Driver("grant", "--rootless", "--user", "ubuntu").Ok();
        const string Shared = "/run/buildkit-rootless/buildkituser/buildkitd.sock";
        Reaches(rootless, "ubuntu", Shared, archive);
        host.Reboot();
        rootless.HasStartedByItself("buildkituser");
        host.Shell(Network);
        Reaches(rootless, "ubuntu", Shared, archive);
        Assert.Equal("AccessDenied", host.DriverAs("outsider", "connect", "--path", Shared).Ok()["Version"]);
        host.Driver("uninstall", "--rootless", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void APastaThatIsTooOld_IsNamed_AndNotUsed()
    {
        using RootlessHost rootless = RootlessHost.Boot("bookworm");
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        host.Shell("apt-get install -y -q --no-install-recommends passt >/dev/null 2>&1");
        string? checks = host.Driver("diagnose", "--rootless", "--path", "/run/user/1000/buildkit/buildkitd.sock").Ok()["Checks"];
        Assert.Contains("/usr/bin/pasta is not used: it is older than 2023_06_25", checks, StringComparison.Ordinal);
        Assert.Contains("newuidmap is not in the system PATH", checks, StringComparison.Ordinal);
        string[] install = ["install", "--rootless", "--user", "buildkituser", .. archive.Options];
        Assert.Contains("\"Target\":\"slirp4netns\"", host.Driver([.. install, "--what-if"]).Ok()["Steps"], StringComparison.Ordinal);
        Assert.Contains(" slirp4netns", host.DriverAs("ubuntu", ["install", "--rootless", "--what-if", .. archive.Options]).Ok()["RootScript"], StringComparison.Ordinal);

        // Where slirp4netns cannot be had, nothing is left behind.
        host.Shell("mv /var/cache/apt/archives/slirp4netns_*.deb /tmp/");
        string before = host.Snapshot();
        Assert.Contains("The package slirp4netns cannot be installed", host.Driver(install).Failed("CommandFailed")["Message"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());
        host.Shell("mv /tmp/slirp4netns_*.deb /var/cache/apt/archives/");
        host.Driver(install).Ok();
        rootless.Build("buildkituser", rootless.SocketOf("buildkituser"), archive);
    }

    // From the network namespace in which steps run, and with a real release from a step itself.
    private static void Reaches(RootlessHost rootless, string user, string socket, TestArchive archive)
    {
        rootless.Build(user, socket, archive);
        SystemdHost host = rootless.Host;
        const string Fetch = "busybox wget -T 5 -qO- http://192.0.2.1:8080/word; ! busybox wget -T 2 -qO- http://10.0.2.2:8081/word";
        string inside = $"nsenter -t $(pgrep -n -u buildkituser buildkitd || pgrep -n -u buildkituser dotnet) -n /bin/sh -c 'ip -4 -o addr show; export PATH=/var/tmp:$PATH; {Fetch}' 2>&1";
        string seen = host.Shell(inside);
        Assert.Contains(" 10.0.2.100/24 ", seen, StringComparison.Ordinal);
        Assert.Contains("outside\n", seen, StringComparison.Ordinal);
        if (TestArchive.IsReal())
        {
            string built = rootless.Build(user, socket, "/opt/buildkit", "/bin/busybox wget -T 5 -qO- http://192.0.2.1:8080/word > /made; /bin/busybox ip -4 addr show >> /made; ! /bin/busybox wget -T 2 -qO- http://10.0.2.2:8081/word >> /made");
            Assert.Contains("outside\n", built, StringComparison.Ordinal);
            Assert.Contains(" 10.0.2.100/24 ", built, StringComparison.Ordinal);
            Assert.DoesNotContain("loop\n", built, StringComparison.Ordinal);
        }
    }
}
