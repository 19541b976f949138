using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// A local user who does what a local user can against root's install, update, grant, revoke and uninstall: links, pipes, renames, locks, records of
/// their own, other people's environments, backlogs that nobody empties. What is tried here stands in docs/security.md.
/// </summary>
public abstract class HostileUserTests(string suite)
{
    private readonly int _parity = suite == "trixie" ? 0 : 1;

    [Fact]
    public void SystemWide_AttackedAllTheTimeAndAtEachStep_ChangesNothingAndHoldsNobody()
    {
        using SystemdHost host = SystemdHost.Boot(suite);
        TestArchive archive = TestArchive.StandIn(host, "v0.32.1");
        TestArchive newer = TestArchive.StandIn(host, "v0.32.2");
        using HostileUser hostile = new(host);

        // A prefix that is the user's, or becomes the user's.
        host.Shell("install -d -o ubuntu /home/ubuntu/opt; install -d -m 0777 /srv/open");
        foreach (string prefix in (string[])["/home/ubuntu/opt", "/srv/open/buildkit", "/tmp/buildkit"])
        {
            Assert.Contains("Users other than root can write", hostile.Root(60, ["install", "--worker", "Oci", "--prefix", prefix, .. archive.Options]).Failed("InvalidInput")["Message"], StringComparison.Ordinal);
        }

        hostile.AttackAllTheTime();
        using (hostile.AttackTheSocket())
        {
            hostile.Root(120, ["install", "--worker", "Oci", .. archive.Options]).Ok();
            Assert.True(hostile.Steps.Count > 10, "its steps were attacked");
            hostile.Root(60, "grant", "--user", "ubuntu").Ok();
            Assert.Equal("root 700 root 600", host.Shell("stat -c '%U %a' /run/opencloud.build /run/opencloud.build/lock | tr '\\n' ' '").Trim());

            // A member of the group, at the socket: no new name, no other socket in its place.
            Assert.Equal("root:buildkit 2755", host.Shell("stat -c '%U:%G %a' /run/buildkit").Trim());
            foreach (string attempt in (string[])["mv /run/buildkit/buildkitd.sock /run/buildkit/aside", "rm -f /run/buildkit/buildkitd.sock", "ln -s /srv/victim/file /run/buildkit/otel-grpc.sock", "touch /run/buildkit/x", "mkfifo /run/buildkit/x", "chmod 0777 /run/buildkit/buildkitd.sock"])
            {
                Assert.NotEqual(0, hostile.Try(attempt));
            }

            Assert.Equal("true", host.DriverAs("ubuntu", "connect").Ok()["Connected"]);
            hostile.Root(120, ["update", .. newer.Options]).Ok();
            hostile.Root(60, "revoke", "--user", "ubuntu").Ok();
        }

        // Somebody who listens in the socket's place, where the folder was opened by somebody else.
        host.Shell("systemctl stop buildkit.socket buildkit.service; chmod 2777 /run/buildkit");
        using (hostile.Begin("outsider", "exec perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Local=>\"/run/buildkit/buildkitd.sock\",Listen=>5) or die; chmod 0777,\"/run/buildkit/buildkitd.sock\"; push @c,$s->accept while 1'"))
        {
            Until(host, "test -S /run/buildkit/buildkitd.sock");
            Assert.Contains("listens in place of the engine", Bounded(host, "diagnose")["Story"], StringComparison.Ordinal);
        }

        host.Shell("rm -f /run/buildkit/buildkitd.sock; systemctl start buildkit.socket buildkit.service");
        host.Driver(["install", "--worker", "Oci", .. newer.Options]).Ok();
        Assert.Equal("root:buildkit 2755", host.Shell("stat -c '%U:%G %a' /run/buildkit").Trim());

        // A socket whose backlog is full and that nobody empties.
        using (hostile.Begin("root", "exec perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Local=>\"/run/full.sock\",Listen=>0) or die; $c=IO::Socket::UNIX->new(Peer=>\"/run/full.sock\"); open F,\">/run/full.ready\"; close F; sleep 600'"))
        {
            Until(host, "test -e /run/full.ready");
            Assert.Equal("false", Bounded(host, "diagnose", "--path", "/run/full.sock")["Reachable"]);
        }

        hostile.Root(120, "uninstall", "--purge").Ok();
        Assert.True(hostile.Steps.Count > 10, "its steps were attacked");
    }

    [Fact]
    public void Rootless_RecordsPipesAndLinks_ChangeNothingAndHoldNobody()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.StandIn(host, "v0.32.2");
        host.Shell(Packages);
        using HostileUser hostile = new(host);
        string[] install = ["install", "--rootless", "--user", "ubuntu", "--patience", "5", .. archive.Options];

        // Records that say what root is to do, and are not there to be read.
        const string Records = "/home/ubuntu/.local/state/opencloud.build";
        foreach (string plant in (string[])
        [
            """printf '{"Version":"v0.32.2","Prefix":"/opt/buildkit","Worker":"Oci","Namespace":"","Group":"x","Programs":{},"Changes":[{"$type":"file","Target":"/srv/victim/file","Sha256":"x"}],"Rootless":{"User":"x\nf /etc/sudoers.d/x 0440 root root - all","Uid":0,"Home":"/srv/victim","State":"/srv/victim","RootlessKit":"/bin/sh"}}' > $R/installation.json""",
            """printf '{"Version":"v0.32.2","Prefix":"/opt/buildkit","Rootless":{"User":"../../../../srv/victim","RootlessKit":"/usr/bin/rootlesskit"}}' > $R/installation.json; printf '[{"$type":"directory","Target":"/srv/victim","WithContent":true}]' > $R/journal.json""",
            "mkfifo $R/installation.json",
            "ln -s /dev/zero $R/installation.json",
            "truncate -s 1T $R/installation.json",
            """printf '{"Version":"v0.32.2","Rootless":{}}' > $R/installation.json; mkdir -p /home/ubuntu/.config/systemd/user; ln -s /dev/zero /home/ubuntu/.config/systemd/user/buildkit.service; mkdir -p /home/ubuntu/.local/bin; truncate -s 1T /home/ubuntu/.local/bin/rootlesskit""",
        ])
        {
            hostile.As($"R={Records}; mkdir -p $R; {plant}");
            hostile.Root(60, "grant", "--rootless", "--engine", "ubuntu", "--user", "outsider");
            hostile.Root(60, "revoke", "--rootless", "--engine", "ubuntu", "--user", "outsider");
            hostile.Root(60, "uninstall", "--rootless", "--user", "ubuntu", "--purge").Failed("NotFound");
            host.Shell("rm -rf /home/ubuntu/.config /home/ubuntu/.local");
        }

        // What root would write into the home: a pipe, a device and a folder of root's in its place.
        foreach (string plant in (string[])["mkdir -p .config/buildkit; mkfifo .config/buildkit/buildkitd.toml", "mkdir -p .config/systemd/user; ln -s /dev/zero .config/systemd/user/buildkit.service", "ln -s /srv/victim .config", "ln -s /srv/victim .local"])
        {
            hostile.As($"cd /home/ubuntu; {plant}");
            hostile.Root(120, install);
            hostile.Root(120, "uninstall", "--rootless", "--user", "ubuntu", "--purge");
            host.Shell("rm -rf /home/ubuntu/.config /home/ubuntu/.local");
        }

        // Folders that become links to root's while they are removed: the tree, and each folder on the way.
        hostile.Root(120, install).Ok();
        host.Shell("cd /home/ubuntu/.local/share/buildkit; for i in $(seq 200); do mkdir -p t/$i/a; touch t/$i/a/b; done; chown -R ubuntu t");
        using (hostile.Begin("ubuntu", "cd /home/ubuntu/.local/share; while :; do mv buildkit aside 2>/dev/null && ln -s /srv/victim buildkit; rm -f buildkit 2>/dev/null; mv aside buildkit 2>/dev/null; for i in buildkit/t/*; do mv $i buildkit/x 2>/dev/null && ln -s /srv/victim $i; break; done; done"))
        {
            for (int attempt = 0; attempt < 3; attempt++)
            {
                hostile.Root(120, "uninstall", "--rootless", "--user", "ubuntu", "--purge");
            }
        }

        hostile.Check("the removals");
    }

    /// <summary>Each step of rootless work whose target the user owns, with what the user puts there or takes away at that very moment.</summary>
    [Fact]
    public void Rootless_AttackedAtEachStep_ChangesNothingAndHoldsNobody()
    {
        using RootlessHost rootless = RootlessHost.Boot(suite);
        SystemdHost host = rootless.Host;
        TestArchive archive = TestArchive.StandIn(host, "v0.32.1");
        TestArchive newer = TestArchive.StandIn(host, "v0.32.2");
        host.Shell(Packages);
        using HostileUser hostile = new(host);
        hostile.ReadEnvironments();
        string[] install = ["install", "--rootless", "--user", "ubuntu", "--patience", "5", .. archive.Options];
        string[] update = ["update", "--rootless", "--user", "ubuntu", "--patience", "5", .. newer.Options];
        string[] grant = ["grant", "--rootless", "--engine", "ubuntu", "--user", "outsider"];
        string[] revoke = ["revoke", "--rootless", "--engine", "ubuntu", "--user", "outsider"];
        string[] uninstall = ["uninstall", "--rootless", "--user", "ubuntu", "--purge"];
        string[] ways = [.. HostileUser.Ways.Where((_, at) => at % 2 == _parity)];

        // What takes back what is there can be gone on with, and is: everything of it is attacked at once, until it has ended.
        hostile.Root(120, install).Ok();
        IReadOnlyList<(int Number, string Kind, string Target)> steps = hostile.Steps;
        hostile.Root(120, grant).Ok();
        IReadOnlyList<(int Number, string Kind, string Target)> ofGrant = hostile.Steps;
        hostile.Root(120, update).Ok();
        IReadOnlyList<(int Number, string Kind, string Target)> ofUpdate = hostile.Steps;
        AttackAll(revoke);
        AttackAll(uninstall);
        AsNew();

        // What makes something ends where it is hindered: a step at a time. Of two suites each has every other step and every other way.
        foreach ((int step, string? way) in Mine(steps).Where((_, at) => at % 2 == _parity))
        {
            if (hostile.Root(120, [(step, way)], install).Code == 0)
            {
                hostile.Root(120, uninstall);
            }

            AsNew();
        }

        // The manager is the user's: it can be stopped, and a drop-in that never ends keeps it busy for minutes.
        hostile.Root(120, install).Ok();
        hostile.Root(180, [(ofGrant.First(step => step.Target.EndsWith("-share.conf", StringComparison.Ordinal)).Number, "zero")], grant);
        host.Shell("rm -rf /home/ubuntu/.config/systemd/user/buildkit.service.d; systemctl kill -s KILL user@$(id -u ubuntu) || :");
        hostile.Root(120, revoke);
        AsNew();
        hostile.Root(120, install).Ok();
        hostile.Root(120, [(1, "stopped")], uninstall);
        AsNew();
        foreach ((IReadOnlyList<(int Number, string Kind, string Target)>? attacked, string[]? work) in new[] { (ofGrant, grant), (ofUpdate, update) })
        {
            foreach ((int step, string? way) in Mine(attacked).Where((_, at) => at % 2 == _parity))
            {
                hostile.Root(120, install).Ok();
                hostile.Root(120, [(step, way)], work);
                hostile.Root(120, uninstall);
                AsNew();
            }
        }

        IReadOnlyList<(int Step, string Way)> Mine(IReadOnlyList<(int Number, string Kind, string Target)> of)
            => [.. of.Where(step => step.Kind == "Unit" || step.Target.StartsWith("/home/ubuntu/", StringComparison.Ordinal) || step.Target.StartsWith("/run/buildkit-rootless/", StringComparison.Ordinal))
                .Select((step, at) => (step.Number, step.Kind == "Unit" ? "busy" : ways[at % ways.Length]))];

        void AttackAll(string[] work)
        {
            for (int attempt = 0; attempt < 3; attempt++)
            {
                // Whatever is the user's of the steps there may be.
                if (hostile.Root(120, [.. Enumerable.Range(1, 40).Select(number => (number, ways[(number + attempt) % ways.Length]))], work).Code == 0)
                {
                    return;
                }
            }
        }

        void AsNew()
        {
            host.Shell(Reset);
            hostile.Check("taking back");
        }
    }

    private const string Packages = "apt-get install -y -q --no-install-recommends uidmap dbus-user-session iproute2 slirp4netns rootlesskit >/dev/null 2>&1";

    // The manager, which may be stopped or busy, ends with all that it started; the next installation has it start anew.
    private const string Reset =
        """
        uid=$(id -u ubuntu); pkill -KILL -u ubuntu perl || :; loginctl disable-linger ubuntu || :; systemctl kill -s KILL user@$uid 2>/dev/null || :; systemctl stop user@$uid
        rm -rf /home/ubuntu/.config* /home/ubuntu/.local* /var/lib/opencloud.build /opt/buildkit /run/buildkit-rootless /etc/tmpfiles.d/opencloud.build-rootless-ubuntu.conf
        groupdel buildkit-ubuntu 2>/dev/null || :
        """;

    private static void Until(SystemdHost host, string condition)
        => host.Shell($"for i in $(seq 200); do {condition} && exit 0; sleep 0.1; done; exit 1");

    private static DriverAnswer Bounded(SystemdHost host, params string[] arguments)
        => DriverAnswer.Of(host.Try(["timeout", "60", .. SystemdHost.DriverCommand.Split(' '), .. arguments])).Ok();
}

public sealed class BookwormHostileUserTests() : HostileUserTests("bookworm");

public sealed class TrixieHostileUserTests() : HostileUserTests("trixie");
