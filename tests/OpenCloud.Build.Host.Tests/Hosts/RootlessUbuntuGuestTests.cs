using System.Text.Json;
using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>
/// An engine without root on Ubuntu 24.04 with Ubuntu's own kernel, whose AppArmor lets no program make a useful user namespace
/// that has no profile. With a real release images are built; else the stand-in answers.
/// </summary>
public sealed class RootlessUbuntuGuestTests
{
    private const string UsersProfile = "/etc/apparmor.d/opencloud.build.usr.local.lib.kit.rootlesskit";
    private const string RootsProfile = "/etc/apparmor.d/opencloud.build.opt.buildkit.bin.rootlesskit";

    // Profiles of this module: files, what is compiled of them, and what the kernel has.
    private const string Profiles = "ls -d /etc/apparmor.d/opencloud* /var/cache/apparmor/*/opencloud* 2>/dev/null || :; grep ^opencloud /sys/kernel/security/apparmor/profiles || :";

    [Fact]
    public void AppArmorsRestriction_IsNamed_AndMendedByAProfileForTheRealPath()
    {
        TestArchive? archive = null;
        using QemuGuest guest = QemuGuest.Boot(host => archive = TestArchive.UnderTest(host), "noble");
        Restricts(guest);
        Prepare(guest);

        // As an ordinary user: found before anything starts, by the diagnosis as by the installation, which gives root's part.
        const string Try = "runuser -u ubuntu -- env XDG_RUNTIME_DIR=/run/user/1000 rootlesskit id -u 2>&1 || :";
        Assert.Contains("permission denied", guest.Shell(Try), StringComparison.Ordinal);
        JsonElement.ArrayEnumerator checks = guest.Driver("diagnose", "--path", "/run/user/1000/buildkit/buildkitd.sock", "--as", "ubuntu").Ok().Json!.Value.GetProperty("Checks").EnumerateArray();
        JsonElement trap = Assert.Single(checks, static check => check.GetProperty("Name").GetString() == "Rootless: AppArmor");
        Assert.Equal("Failed", trap.GetProperty("State").GetString());
        Assert.Contains("no profile allows /usr/local/lib/kit/rootlesskit to create a user namespace", trap.GetProperty("Evidence").GetString(), StringComparison.Ordinal);
        Assert.Contains($"sudo apparmor_parser -r {UsersProfile}. The sysctl does not need to change", trap.GetProperty("Remedy").GetString(), StringComparison.Ordinal);
        string script = guest.DriverAs("ubuntu", ["install", "--rootless", "--what-if", .. archive!.Options]).Ok()["RootScript"]!;
        Assert.Contains($"\napparmor_parser -r {UsersProfile}\n", script, StringComparison.Ordinal);
        Assert.Equal(string.Empty, guest.Shell(Profiles));
        guest.Shell($"cat > /tmp/as-root.sh <<'END'\n{script}END\nsh /tmp/as-root.sh");
        Assert.Equal("0\n", guest.Shell(Try));
        guest.Shell($"apparmor_parser -R {UsersProfile}; rm -f {UsersProfile} /var/cache/apparmor/*/{Path.GetFileName(UsersProfile)}");

        // As root: the step is the installation's own, for a rootlesskit that it brings.
        string[] install = ["install", "--rootless", "--user", "buildkituser", "--kit", "/srv/rootlesskit-x86_64.tar.gz", .. archive.Options, "--patience", "120"];
        DriverAnswer made = guest.Driver(install).Ok();
        Assert.Contains(archive.Version, made["Engine"], StringComparison.Ordinal);
        Assert.Contains("\"Load the AppArmor profile\"", made["Steps"], StringComparison.Ordinal);
        Build(guest);

        guest.Reboot();
        Restricts(guest);
        guest.Shell("runuser -u buildkituser -- env XDG_RUNTIME_DIR=/run/user/$(id -u buildkituser) systemctl --user start buildkit.service");
        Build(guest);

        // Its file is there and the kernel has it not: that is all the installation does again.
        guest.Shell($"apparmor_parser -R {RootsProfile}");
        IEnumerable<JsonElement> again = guest.Driver(install).Ok().Json!.Value.GetProperty("Steps").EnumerateArray().Where(static step => step.GetProperty("Result").GetString() == "Changed");
        Assert.Equal("Load the AppArmor profile", Assert.Single(again).GetProperty("Action").GetString());
        Assert.Contains("opencloud.build.opt.buildkit.bin.rootlesskit (unconfined)", guest.Shell(Profiles), StringComparison.Ordinal);

        guest.Driver("uninstall", "--rootless").Ok();
        Assert.Equal(string.Empty, guest.Shell(Profiles));
        guest.Shell("! test -e /opt/buildkit");
    }

    // The kernel's own word for it: a user's namespace is made, and gets no rights.
    private static void Restricts(QemuGuest guest)
    {
        string said = guest.Shell(
            """
            cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns
            # Of more than ten messages within five seconds, and the boot has many, the kernel drops what follows.
            echo 0 > /proc/sys/kernel/printk_ratelimit
            runuser -u ubuntu -- unshare --user --map-root-user true 2>&1 && echo allowed || :
            grep -m 1 'apparmor="DENIED".*profile="unprivileged_userns".*comm="unshare".*capname="sys_admin"' < <(timeout 60 dmesg --follow)
            """);
        Assert.StartsWith("1\n", said, StringComparison.Ordinal);
        Assert.DoesNotContain("allowed", said, StringComparison.Ordinal);
    }

    // Ubuntu has a profile for /usr/bin/rootlesskit: the program is to be elsewhere, and is called by a link.
    private static void Prepare(QemuGuest guest)
        => guest.Shell(
            """
            dpkg-deb -x /var/cache/apt/archives/rootlesskit_*.deb /srv/deb
            mkdir -p /usr/local/lib/kit /srv/app
            cp /srv/deb/usr/bin/rootlesskit /usr/local/lib/kit/
            ln -s ../lib/kit/rootlesskit /usr/local/bin/rootlesskit
            tar -C /usr/local/lib/kit -czf /srv/rootlesskit-x86_64.tar.gz rootlesskit
            (cd /srv; sha256sum rootlesskit-x86_64.tar.gz > SHA256SUMS)
            cp /usr/bin/busybox /srv/app/
            printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","sh","-c","echo built > /made; /bin/busybox chown 4321:1234 /made"]\n' > /srv/app/Dockerfile
            systemctl start user@1000.service
            """);

    private static void Build(QemuGuest guest)
    {
        if (!TestArchive.IsReal())
        {
            return;
        }

        string said = guest.Shell(
            """
            rm -rf /tmp/out
            runuser -u buildkituser -- /opt/buildkit/bin/buildctl --addr unix:///run/user/$(id -u buildkituser)/buildkit/buildkitd.sock build --no-cache --frontend dockerfile.v0 --local context=/srv/app --local dockerfile=/srv/app --output type=local,dest=/tmp/out --progress plain
            cat /tmp/out/made
            """);
        Assert.EndsWith("built\n", said, StringComparison.Ordinal);
    }
}
