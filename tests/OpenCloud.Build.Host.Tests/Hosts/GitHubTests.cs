using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// The default source: the project's release page, as GitHub serves it. The host takes the names of GitHub for its own loopback
/// and trusts the test's authority, so that the very code that asks GitHub runs, TLS and redirects included.
/// </summary>
public abstract class GitHubTests(string suite)
{
    [Fact]
    public void Releases_AreProven_AndRefusedWhereTheyAreNot()
    {
        using SystemdHost host = Boot();
        string before = host.Snapshot();

        // By its provenance, through a redirect to another host.
        Publish(host, "v0.27.9", provenance: true, digest: true);
        DriverAnswer proven = Install(host, "v0.27.9").Ok();
        Assert.Contains("\"Evidence\":\"Provenance\"", proven["Integrity"], StringComparison.Ordinal);
        Assert.Contains("progress: Downloading BuildKit", proven.Error, StringComparison.Ordinal);
        string requests = Requests(host);
        Assert.Contains("github.com /moby/buildkit/releases/download/v0.27.9/buildkit-v0.27.9.linux-amd64.tar.gz", requests, StringComparison.Ordinal);
        Assert.Contains("release-assets.githubusercontent.com /github-production-release-asset/1/v0.27.9/buildkit-v0.27.9.linux-amd64.provenance.json", requests, StringComparison.Ordinal);
        Assert.DoesNotContain("api.github.com", requests, StringComparison.Ordinal);
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());

        // By the digest that GitHub's API tells, where there is no provenance.
        Publish(host, "v0.27.8", provenance: false, digest: true);
        DriverAnswer digest = Install(host, "v0.27.8").Ok();
        Assert.Contains("\"Evidence\":\"AssetDigest\"", digest["Integrity"], StringComparison.Ordinal);
        Assert.Contains("does not prove who uploaded it", digest["Integrity"], StringComparison.Ordinal);
        host.Driver("uninstall", "--purge").Ok();

        // By nothing; only by wish then, and with a warning.
        Publish(host, "v0.27.7", provenance: false, digest: false);
        Assert.Contains("cannot be verified", Install(host, "v0.27.7").Failed("Integrity")["Message"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());
        Assert.Contains("warning: https://github.com/", Install(host, "v0.27.7", "--skip-verification").Ok().Error, StringComparison.Ordinal);
        host.Driver("uninstall", "--purge").Ok();

        // Another archive than the one this module knows; one that was tampered with; one that is not there.
        Publish(host, "v0.32.2", provenance: true, digest: true);
        Assert.Contains("this module's table of known releases has", Install(host, "v0.32.2").Failed("Integrity")["Message"], StringComparison.Ordinal);
        Fault(host, "tamper");
        DriverAnswer tampered = Install(host, "v0.27.9").Failed("Integrity");
        Assert.Contains("the release's provenance has", tampered["Message"], StringComparison.Ordinal);
        Assert.Contains("Nothing was unpacked", tampered["Message"], StringComparison.Ordinal);
        Fault(host, "downgrade");
        Install(host, "v0.27.9").Failed("Download");
        Fault(host, "none");
        DriverAnswer missing = Install(host, "v0.27.6").Failed("Download");
        Assert.Contains("404", missing["Message"], StringComparison.Ordinal);
        Assert.Contains("https://github.com/moby/buildkit/releases", missing["Remedy"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());
    }

    [Fact]
    public void BrokenConnections_AreTakenUp_InARunAndInTheNext()
    {
        using SystemdHost host = Boot();
        string before = host.Snapshot();
        Publish(host, "v0.27.9", provenance: true, digest: false);
        Fault(host, "truncate 2");
        Install(host, "v0.27.9").Ok();
        Assert.Equal(2, Requests(host).Split('\n').Count(line => line.Contains(" range=bytes=", StringComparison.Ordinal) && line.Contains("if-range=\"", StringComparison.Ordinal) && line.StartsWith("release-assets", StringComparison.Ordinal)));
        host.Driver("uninstall", "--purge").Ok();
        Assert.Equal(before, host.Snapshot());

        // It breaks every time: said, kept, and taken up by the next run.
        Fault(host, "truncate 99");
        DriverAnswer broken = Install(host, "v0.27.9").Failed("Download");
        Assert.Contains("to resume the download", broken["Remedy"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());
        host.Shell("test -s /var/cache/opencloud.build/buildkit-v0.27.9.linux-amd64.tar.gz.part; test \"$(stat -c '%U %a' /var/cache/opencloud.build)\" = 'root 700'");
        Fault(host, "none");
        host.Shell("rm /ocb/share/requests.log");
        Install(host, "v0.27.9").Ok();
        Assert.Contains("range=bytes=", Requests(host), StringComparison.Ordinal);
        host.Shell("! test -e /var/cache/opencloud.build");
        host.Driver("uninstall", "--purge").Ok();

        // A part of another file than the one that is there now is not taken up.
        Fault(host, "truncate 99");
        Install(host, "v0.27.9").Failed("Download");
        Publish(host, "v0.27.9", provenance: true, digest: false, "--another-build");
        Fault(host, "none");
        Install(host, "v0.27.9").Ok();
        host.Driver("uninstall", "--purge").Ok();

        // Nobody there at all.
        host.Shell("systemctl stop github");
        Assert.Contains("-ArchivePath", Install(host, "v0.27.9").Failed("Download")["Remedy"], StringComparison.Ordinal);
        Assert.Equal(before, host.Snapshot());
    }

    private static DriverAnswer Install(SystemdHost host, string version, params string[] more)
        => host.Driver(["install", "--worker", "Oci", "--version", version, .. more]);

    private static string Requests(SystemdHost host) => File.ReadAllText(Path.Combine(host.Share, "requests.log"));

    private static void Fault(SystemdHost host, string fault) => File.WriteAllText(Path.Combine(host.Share, "fault"), fault);

    private static void Publish(SystemdHost host, string version, bool provenance, bool digest, string options = "")
    {
        TestArchive archive = TestArchive.StandIn(host, version, options, padding: 3 << 20);
        string folder = Directory.CreateDirectory(Path.Combine(host.Share, version)).FullName;
        File.Move(Path.Combine(host.Share, archive.FileName), Path.Combine(folder, archive.FileName), overwrite: true);
        if (provenance)
        {
            File.WriteAllText(
                Path.Combine(folder, $"buildkit-{version}.linux-amd64.provenance.json"),
                $$"""
                {"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2",
                 "subject":[{"name":"{{archive.FileName}}","digest":{"sha256":"{{archive.Sha256}}"} }],"predicate":{} }
                """);
        }

        File.WriteAllText(
            Path.Combine(folder, "release.json"),
            $$"""
            {"tag_name":"{{version}}","assets":[
              {"name":"buildkit-{{version}}.darwin-arm64.tar.gz","digest":"sha256:{{new string('0', 64)}}"},
              {"name":"{{archive.FileName}}","digest":{{(digest ? $"\"sha256:{archive.Sha256}\"" : "null")}} }]}
            """);
    }

    private SystemdHost Boot()
    {
        SystemdHost host = SystemdHost.Boot(suite);
        host.Shell(
            $"""
            echo '127.0.0.1 github.com api.github.com release-assets.githubusercontent.com' >> /etc/hosts
            systemd-run --quiet --unit=github {SystemdHost.DriverCommand} github /ocb/share
            for i in $(seq 300); do test -e /ocb/share/ready && break; sleep 0.1; done
            cp /ocb/share/authority.crt /usr/local/share/ca-certificates/; update-ca-certificates > /dev/null 2>&1
            """);
        return host;
    }
}

public sealed class BookwormGitHubTests() : GitHubTests("bookworm");

public sealed class TrixieGitHubTests() : GitHubTests("trixie");
