using System.Security.Cryptography;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// RootlessKit from its project's release, by its address: Debian's programs in the shape of a release (rootlesskit, rootlessctl
/// and rootlesskit-docker-proxy at the top of rootlesskit-MACHINE.tar.gz, with SHA256SUMS beside it), served as GitHub does.
/// </summary>
public abstract class RootlessKitTests(string suite)
{
    private const string Address = "https://github.com/rootless-containers/rootlesskit/releases/download/v2.0.2/rootlesskit-x86_64.tar.gz";

    [Fact]
    public void FromARelease_Refused_Installed_Rebooted_Removed()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.UnderTest(host);
        Serve(host);
        string before = host.Snapshot();
        string release = Path.Combine(host.Share, "v2.0.2");
        string[] source = ["install", "--rootless", "--user", "buildkituser", "--kit-uri", Address];
        string[] install = [.. source, .. archive.Options];
        Assert.Contains($"RootlessKit ({Address})", host.Driver([.. install, "--what-if"]).Ok()["Steps"], StringComparison.Ordinal);

        // Nothing that proves it; something that proves another; something else than what is proven.
        TestArchive small = TestArchive.StandIn(host, "v0.31.0");
        void Refused(string message, params string[] more)
            => Assert.Contains(message, host.Driver([.. source, .. small.Options, .. more]).Failed("Integrity")["Message"], StringComparison.Ordinal);

        Refused("cannot be verified");
        File.WriteAllText(Path.Combine(release, "SHA256SUMS"), $"{new string('0', 64)}  rootlesskit-aarch64.tar.gz\n");
        Refused("does not list rootlesskit-x86_64.tar.gz");
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(release, "rootlesskit-x86_64.tar.gz"))));
        File.WriteAllText(Path.Combine(release, "SHA256SUMS"), $"{new string('0', 64)}  rootlesskit-aarch64.tar.gz\n{new string('1', 64)}  rootlesskit-x86_64.tar.gz\n");
        Refused("SHA256SUMS beside it has");
        Refused("-Sha256 has", "--kit-sha256", new string('2', 64));
        File.WriteAllText(Path.Combine(release, "SHA256SUMS"), $"{new string('0', 64)}  rootlesskit-aarch64.tar.gz\n{hash}  rootlesskit-x86_64.tar.gz\n");
        File.WriteAllText(Path.Combine(host.Share, "fault"), "tamper");
        Refused("SHA256SUMS beside it has");
        File.WriteAllText(Path.Combine(host.Share, "fault"), "none");
        Refused("is not encrypted", "--kit-uri", Address.Replace("https", "http", StringComparison.Ordinal));
        host.Driver([.. source, .. small.Options, "--kit-uri", Address.Replace("x86_64", "sparc", StringComparison.Ordinal)]).Failed("Download");
        Assert.Equal(before, host.Snapshot());

        DriverAnswer done = host.Driver(install).Ok();
        Assert.Contains(archive.Version, done["Engine"], StringComparison.Ordinal);
        host.Shell(
            """
            test -x /opt/buildkit/bin/rootlesskit; test -x /opt/buildkit/bin/rootlessctl; ! dpkg -s rootlesskit 2>/dev/null; ! test -e /var/cache/opencloud.build
            test "$(readlink /proc/$(pgrep -o rootlesskit)/exe)" = /opt/buildkit/bin/rootlesskit
            """);
        rootless.Build("buildkituser", rootless.SocketOf("buildkituser"), archive);

        // A second run fetches nothing.
        string requests = File.ReadAllText(Path.Combine(host.Share, "requests.log"));
        Assert.Contains("release-assets.githubusercontent.com /github-production-release-asset/1/v2.0.2/SHA256SUMS", requests, StringComparison.Ordinal);
        Assert.Equal("false", host.Driver(install).Ok()["Changed"]);
        Assert.Equal(requests, File.ReadAllText(Path.Combine(host.Share, "requests.log")));

        host.Reboot();
        rootless.HasStartedByItself("buildkituser");
        rootless.Build("buildkituser", rootless.SocketOf("buildkituser"), archive);
        host.Driver("uninstall", "--rootless", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());
    }

    private static void Serve(SystemdHost host)
        => host.Shell(
            $"""
            echo '127.0.0.1 github.com api.github.com release-assets.githubusercontent.com' >> /etc/hosts
            mkdir -p /tmp/kit /ocb/share/v2.0.2; dpkg-deb -x /var/cache/apt/archives/rootlesskit_*.deb /tmp/kit
            cd /tmp/kit/usr/bin; tar -czf /ocb/share/v2.0.2/rootlesskit-x86_64.tar.gz rootlessctl rootlesskit rootlesskit-docker-proxy
            systemd-run --quiet --unit=github {SystemdHost.DriverCommand} github /ocb/share
            for i in $(seq 300); do test -e /ocb/share/ready && break; sleep 0.1; done
            cp /ocb/share/authority.crt /usr/local/share/ca-certificates/; update-ca-certificates > /dev/null 2>&1
            """);
}

public sealed class TrixieRootlessKitTests() : RootlessKitTests("trixie");
