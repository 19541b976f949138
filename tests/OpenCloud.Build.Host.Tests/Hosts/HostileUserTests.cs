using System.Diagnostics;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// A local user who does what a local user can against root's install, update, grant, revoke and uninstall: links, pipes, renames, locks, records of
/// their own, other people's environments, backlogs that nobody empties. What is tried here stands in SECURITY.md.
/// </summary>
public sealed class HostileUserTests
{
    private const string Suite = "trixie";

    // What no user may have changed at the end: root's files that the attacks aim at.
    private const string Victims = "find /srv/victim -printf '%p %y %m %u %g %s\\n' | LC_ALL=C sort; sha256sum /etc/passwd /etc/shadow /etc/sudoers.d/* 2>/dev/null; find /etc/tmpfiles.d /etc/systemd/system /etc/cron.d ! -type d -newer /srv/stamp ! -path '*opencloud.build*' ! -path '*buildkit*' | LC_ALL=C sort; ls /etc/sudoers.d 2>/dev/null";

    [Fact]
    public void SystemWide_LinksLocksRenamesAndBacklogs_ChangeNothingAndHoldNobody()
    {
        using var host = SystemdHost.Boot(Suite);
        var archive = TestArchive.StandIn(host, "v0.32.1");
        var newer = TestArchive.StandIn(host, "v0.32.2");
        Prepare(host);
        var before = host.Shell(Victims);

        // Names that a lock or a temporary file might have, as links to what is root's.
        As(host, "ubuntu", "for n in opencloud.build.lock opencloud.build-0.lock opencloud-build opencloud.build; do ln -s /srv/victim/file /tmp/$n; ln -s /srv/victim/file /var/tmp/$n; done");

        // A prefix that is the user's, or becomes the user's.
        host.Shell("install -d -o ubuntu /home/ubuntu/opt; install -d -m 0777 /srv/open");
        foreach (var prefix in (string[])["/home/ubuntu/opt", "/srv/open/buildkit", "/tmp/buildkit"])
        {
            Assert.Contains("Others than root can write", host.Driver(["install", "--worker", "Oci", "--prefix", prefix, .. archive.Options]).Failed("InvalidInput")["Message"], StringComparison.Ordinal);
        }

        using (Attack(host, "ubuntu", "while :; do flock -n /run/opencloud.build/lock sleep 30; flock -n /run/opencloud.build.lock sleep 30; flock -n /run/opencloud.build sleep 30; sleep 0.05; done"))
        {
            Within(host, 120, () => host.Driver(["install", "--worker", "Oci", .. archive.Options]).Ok());
            Within(host, 60, () => host.Driver("grant", "--user", "ubuntu").Ok());
            Assert.Equal("root 700 root 600", host.Shell("stat -c '%U %a' /run/opencloud.build /run/opencloud.build/lock | tr '\\n' ' '").Trim());

            // A member of the group, at the socket: no new name, no other socket in its place.
            Assert.Equal("root:buildkit 2755", host.Shell("stat -c '%U:%G %a' /run/buildkit").Trim());
            foreach (var attempt in (string[])["mv /run/buildkit/buildkitd.sock /run/buildkit/aside", "rm -f /run/buildkit/buildkitd.sock", "ln -s /srv/victim/file /run/buildkit/otel-grpc.sock", "touch /run/buildkit/x", "mkfifo /run/buildkit/x", "chmod 0777 /run/buildkit/buildkitd.sock"])
            {
                Assert.NotEqual(0, Try(host, "ubuntu", attempt));
            }

            Assert.Equal("true", host.DriverAs("ubuntu", "connect").Ok()["Connected"]);
            Within(host, 120, () => host.Driver(["update", .. newer.Options]).Ok());
            Within(host, 60, () => host.Driver("revoke", "--user", "ubuntu").Ok());

            // Somebody who listens in the socket's place, where the folder was opened by somebody else.
            host.Shell("systemctl stop buildkit.socket buildkit.service; chmod 2777 /run/buildkit");
            using (Attack(host, "outsider", "perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Local=>\"/run/buildkit/buildkitd.sock\",Listen=>5) or die; chmod 0777,\"/run/buildkit/buildkitd.sock\"; push @c,$s->accept while 1'"))
            {
                Until(host, "test -S /run/buildkit/buildkitd.sock");
                var diagnosis = Within(host, 60, () => host.Driver("diagnose").Ok());
                Assert.Contains("put a socket in the engine", diagnosis["Story"], StringComparison.Ordinal);
            }

            host.Shell("rm -f /run/buildkit/buildkitd.sock; systemctl start buildkit.socket buildkit.service");
            host.Driver(["install", "--worker", "Oci", .. newer.Options]).Ok();
            Assert.Equal("root:buildkit 2755", host.Shell("stat -c '%U:%G %a' /run/buildkit").Trim());

            // A socket whose backlog is full and that nobody empties.
            using (Attack(host, "root", "perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Local=>\"/run/full.sock\",Listen=>0) or die; $c=IO::Socket::UNIX->new(Peer=>\"/run/full.sock\"); open F,\">/run/full.ready\"; close F; sleep 600'"))
            {
                Until(host, "test -e /run/full.ready");
                Assert.Equal("false", Within(host, 60, () => host.Driver("diagnose", "--path", "/run/full.sock").Ok())["Reachable"]);
            }

            Within(host, 120, () => host.Driver("uninstall", "--purge").Ok());
        }

        Assert.Equal(before, host.Shell(Victims));
    }

    [Fact]
    public void Rootless_RecordsPipesLinksAndEnvironments_ChangeNothingAndHoldNobody()
    {
        using var rootless = RootlessHost.Boot(Suite);
        var host = rootless.Host;
        var archive = TestArchive.StandIn(host, "v0.32.2");
        Prepare(host);
        var before = host.Shell(Victims);
        string[] install = ["install", "--rootless", "--user", "ubuntu", .. archive.Options];

        // Records that say what root is to do, and are not there to be read.
        const string Records = "/home/ubuntu/.local/state/opencloud.build";
        foreach (var plant in (string[])
        [
            """printf '{"Version":"v0.32.2","Prefix":"/opt/buildkit","Worker":"Oci","Namespace":"","Group":"x","Programs":{},"Changes":[{"$type":"file","Target":"/srv/victim/file","Sha256":"x"}],"Rootless":{"User":"x\nf /etc/sudoers.d/x 0440 root root - all","Uid":0,"Home":"/srv/victim","State":"/srv/victim","RootlessKit":"/bin/sh"}}' > $R/installation.json""",
            """printf '{"Version":"v0.32.2","Prefix":"/opt/buildkit","Rootless":{"User":"../../../../srv/victim","RootlessKit":"/usr/bin/rootlesskit"}}' > $R/installation.json; printf '[{"$type":"directory","Target":"/srv/victim","WithContent":true}]' > $R/journal.json""",
            "mkfifo $R/installation.json",
            "ln -s /dev/zero $R/installation.json",
            "truncate -s 1T $R/installation.json",
        ])
        {
            As(host, "ubuntu", $"R={Records}; mkdir -p $R; {plant}");
            Within(host, 60, () => host.Driver("grant", "--rootless", "--engine", "ubuntu", "--user", "outsider"));
            Within(host, 60, () => host.Driver("revoke", "--rootless", "--engine", "ubuntu", "--user", "outsider"));
            Within(host, 60, () => host.Driver("uninstall", "--rootless", "--user", "ubuntu", "--purge").Failed("NotFound"));
            host.Shell($"rm -rf {Records}");
            Assert.Equal(before, host.Shell(Victims));
        }

        // What root would write into the home: a pipe, a device and a folder of root's in its place.
        foreach (var plant in (string[])["mkdir -p .config/buildkit; mkfifo .config/buildkit/buildkitd.toml", "mkdir -p .config/systemd/user; ln -s /dev/zero .config/systemd/user/buildkit.service", "ln -s /srv/victim .config", "ln -s /srv/victim .local"])
        {
            As(host, "ubuntu", $"cd /home/ubuntu; {plant}");
            Within(host, 240, () => host.Driver(install));
            host.Driver("uninstall", "--rootless", "--user", "ubuntu", "--purge");
            host.Shell("rm -rf /home/ubuntu/.config /home/ubuntu/.local");
            Assert.Equal(before, host.Shell(Victims));
        }

        // With root's environment a token; whoever looks into /proc as the user does not find it.
        using (Attack(host, "ubuntu", "while :; do grep -aqs sesame-of-root /proc/[0-9]*/environ && touch /tmp/found; sleep 0.02; done"))
        {
            Within(host, 240, () => DriverAnswer.Of(host.Try(["env", "OCB_TOKEN=sesame-of-root", .. SystemdHost.DriverCommand.Split(' '), .. install])).Ok());
            Within(host, 120, () => DriverAnswer.Of(host.Try(["env", "OCB_TOKEN=sesame-of-root", .. SystemdHost.DriverCommand.Split(' '), "grant", "--rootless", "--engine", "ubuntu", "--user", "outsider"])).Ok());
        }

        host.Shell("! test -e /tmp/found");
        Within(host, 120, () => host.Driver("revoke", "--rootless", "--engine", "ubuntu", "--user", "outsider").Ok());

        // Folders that become links to root's while they are removed: the tree, and each folder on the way.
        host.Shell("cd /home/ubuntu/.local/share/buildkit; for i in $(seq 200); do mkdir -p t/$i/a; touch t/$i/a/b; done; chown -R ubuntu t");
        using (Attack(host, "ubuntu", "cd /home/ubuntu/.local/share; while :; do mv buildkit aside 2>/dev/null && ln -s /srv/victim buildkit; rm -f buildkit 2>/dev/null; mv aside buildkit 2>/dev/null; for i in buildkit/t/*; do mv $i buildkit/x 2>/dev/null && ln -s /srv/victim $i; break; done; done"))
        {
            for (var attempt = 0; attempt < 3; attempt++)
            {
                Within(host, 120, () => host.Driver("uninstall", "--rootless", "--user", "ubuntu", "--purge"));
            }
        }

        Assert.Equal(before, host.Shell(Victims));
    }

    private static void Prepare(SystemdHost host) => host.Shell(
        """
        mkdir -p /srv/victim/buildkit/t/1/a /srv/victim/share/buildkit /srv/victim/state/opencloud.build; echo "root's" > /srv/victim/file; echo "root's" > /srv/victim/buildkit/t/1/a/b
        touch /srv/stamp; chmod -R go-w /srv/victim; command -v flock perl >/dev/null
        """);

    private static void As(SystemdHost host, string user, string script) => Assert.Equal(0, Try(host, user, script));

    private static int Try(SystemdHost host, string user, string script) => host.Try("runuser", "-u", user, "--", "/bin/sh", "-c", script).Code;

    private static AttackUnit Attack(SystemdHost host, string user, string script)
    {
        var unit = $"attack-{Guid.NewGuid():N}";
        host.Run("systemd-run", "--quiet", $"--unit={unit}", $"--uid={user}", "/bin/sh", "-c", script);
        return new AttackUnit(host, unit);
    }

    private static void Until(SystemdHost host, string condition)
        => host.Shell($"for i in $(seq 200); do {condition} && exit 0; sleep 0.1; done; exit 1");

    // Nothing that a user does may hold root for long. The bounds are those of a busy machine.
    private static DriverAnswer Within(SystemdHost host, int seconds, Func<DriverAnswer> work)
    {
        var start = Stopwatch.GetTimestamp();
        var answer = work();
        var took = Stopwatch.GetElapsedTime(start);
        Assert.True(took < TimeSpan.FromSeconds(seconds), $"It took {took.TotalSeconds:0} s.\n{host.Shell("ps -ef | tail -20")}");
        return answer;
    }

    private sealed class AttackUnit(SystemdHost host, string unit) : IDisposable
    {
        public void Dispose() => host.Try("systemctl", "stop", unit);
    }
}
