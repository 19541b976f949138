using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>Ctrl+C at a terminal, which every program in the foreground gets: PowerShell, and apt and dpkg beneath it.</summary>
public abstract class InterruptionTests(string suite)
{
    [Theory]
    [InlineData("unpacking", "test -d /usr/local/bin/.opencloud.build/stage")]
    [InlineData("apt at work", "pgrep -x apt-get > /dev/null")]
    [InlineData("a package half installed", "grep -q 'status half-installed containerd' /var/log/dpkg.log")]
    [InlineData("programs in place", "test -x /usr/local/bin/buildkitd")]
    [InlineData("waiting for an answer", "systemctl is-active -q buildkit.service")]
    public void CtrlC_PutsTheHostBack(string when, string condition)
    {
        Assert.NotEmpty(when);
        using SystemdHost host = SystemdHost.Boot(suite, HostPowerShell.Bind());
        TestArchive archive = TestArchive.StandIn(host, "v0.32.2", "--mute");
        string before = host.Snapshot();
        host.Shell(": > /var/log/dpkg.log");
        string script = HostPowerShell.Script(
            host,
            "install.ps1",
            $"Install-BuildKit -Version {archive.Version} -ArchivePath {archive.Path} -Sha256 {archive.Sha256} -Verbose; 'went on'");
        string terminal = HostPowerShell.InterruptAt(host, script, condition);
        Assert.DoesNotContain("went on", terminal, StringComparison.Ordinal);
        AssertSame(before, host.Snapshot(), terminal + host.Shell("tail -n 20 /var/log/dpkg.log; dpkg --audit"));
        Assert.Equal("null", host.Driver("get").Ok().Json!.Value.GetRawText());
        Assert.Empty(host.Shell("dpkg --audit"));

        // And what was stopped can be done after all.
        host.Driver(["install", .. TestArchive.StandIn(host, "v0.32.1").Options]).Ok();
    }

    [Fact]
    public void CtrlC_WhileUpdating_LeavesTheVersionThatWas()
    {
        using SystemdHost host = SystemdHost.Boot(suite, HostPowerShell.Bind());
        host.Driver(["install", "--worker", "Oci", .. TestArchive.StandIn(host, "v0.30.0").Options]).Ok();
        TestArchive mute = TestArchive.StandIn(host, "v0.32.2", "--mute");
        string before = host.Snapshot();
        string script = HostPowerShell.Script(
            host,
            "update.ps1",
            $"Update-BuildKit -Version {mute.Version} -ArchivePath {mute.Path} -Sha256 {mute.Sha256} -Verbose; 'went on'");
        string terminal = HostPowerShell.InterruptAt(host, script, "grep -q mute /usr/local/bin/buildkitd && systemctl is-active -q buildkit.service");
        Assert.DoesNotContain("went on", terminal, StringComparison.Ordinal);
        AssertSame(before, host.Snapshot(), terminal);
        Assert.Contains("v0.30.0", host.Driver("diagnose").Ok()["Version"], StringComparison.Ordinal);
    }

    private static void AssertSame(string before, string after, string terminal)
    {
        IEnumerable<string> gone = before.Split('\n').Except(after.Split('\n')).Select(line => "-" + line);
        IEnumerable<string> come = after.Split('\n').Except(before.Split('\n')).Select(line => "+" + line);
        Assert.True(before == after, string.Join('\n', [.. gone, .. come, terminal]));
    }
}

public sealed class BookwormInterruptionTests() : InterruptionTests("bookworm");

public sealed class TrixieInterruptionTests() : InterruptionTests("trixie");
