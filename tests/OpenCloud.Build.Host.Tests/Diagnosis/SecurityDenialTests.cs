using OpenCloud.Build.Host.Diagnosis;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Diagnosis;

/// <summary>Lines as kernels, journald and auditd write them.</summary>
public sealed class SecurityDenialTests
{
    private const string Socket = "/run/buildkit/buildkitd.sock";

    private const string AppArmorKernel =
        """2026-11-22T04:10:01+00:00 host kernel: audit: type=1400 audit(1795320601.123:45): apparmor="DENIED" operation="connect" class="file" profile="ci-runner" name="/run/buildkit/buildkitd.sock" pid=812 comm="pwsh" requested_mask="wr" denied_mask="wr" fsuid=1000 ouid=0""";

    private const string AppArmorAudit =
        """type=AVC msg=audit(1795320601.123:45): apparmor="DENIED" operation="connect" class="file" profile="ci-runner" name="/run/buildkit/buildkitd.sock" pid=812 comm="pwsh" requested_mask="wr" denied_mask="wr" fsuid=1000 ouid=0FSUID="ubuntu" OUID="root" """;

    private const string SELinux =
        """type=AVC msg=audit(1795320602.500:46): avc:  denied  { connectto } for  pid=900 comm="pwsh" path="/run/buildkit/buildkitd.sock" scontext=system_u:system_r:ci_t:s0 tcontext=system_u:system_r:unconfined_service_t:s0 tclass=unix_stream_socket permissive=0""";

    [Fact]
    public void AppArmor_IsRead()
    {
        SecurityDenial denial = Assert.Single(SecurityDenials.Find(AppArmorKernel, Socket));
        Assert.Equal("The AppArmor profile 'ci-runner' denied 'pwsh' (process 812) the operation connect on /run/buildkit/buildkitd.sock (wr)", denial.Text);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1795320601123), denial.At);
        Assert.False(denial.IsSELinux);
    }

    [Fact]
    public void SELinux_IsRead()
    {
        SecurityDenial denial = Assert.Single(SecurityDenials.Find(SELinux, Socket));
        Assert.Equal("SELinux denied 'pwsh' (process 900), system_u:system_r:ci_t:s0, the operation connectto on /run/buildkit/buildkitd.sock, system_u:system_r:unconfined_service_t:s0", denial.Text);
        Assert.True(denial.IsSELinux);
    }

    [Fact]
    public void TheSameEvent_InTwoLogs_IsOne()
        => Assert.Equal(2, SecurityDenials.Find($"{AppArmorKernel}\n{SELinux}\n{AppArmorAudit}", Socket).Count);

    [Theory]
    [InlineData("""audit: type=1400 audit(1795320601.1:1): apparmor="ALLOWED" operation="connect" profile="ci" name="/run/buildkit/buildkitd.sock" pid=1 comm="x" denied_mask="wr" """)]
    [InlineData("""audit: type=1400 audit(1795320601.1:1): apparmor="STATUS" operation="profile_load" profile="unconfined" name="buildkit" pid=1 comm="apparmor_parser" """)]
    [InlineData("""audit: type=1400 audit(1795320601.1:1): apparmor="DENIED" operation="open" profile="ntpd" name="/etc/ssl" pid=1 comm="ntpd" denied_mask="r" """)]
    [InlineData("""type=AVC msg=audit(1795320602.5:46): avc:  denied  { connectto } for  pid=900 comm="pwsh" path="/run/buildkit/buildkitd.sock" tclass=unix_stream_socket permissive=1""")]
    [InlineData("""type=AVC msg=audit(1795320602.5:46): avc:  granted  { connectto } for  pid=900 comm="pwsh" path="/run/buildkit/buildkitd.sock" """)]
    [InlineData("buildkitd[812]: level=error msg=\"permission denied\"")]
    [InlineData("")]
    public void WhatForbidsNothing_OrIsAboutOthers_IsNone(string line) => Assert.Empty(SecurityDenials.Find(line, Socket));

    [Fact]
    public void PathsWithOddCharacters_AreHexadecimal()
    {
        const string path = "/srv/my engine/x.sock";
        string hexadecimal = Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(path));
        SecurityDenial denial = Assert.Single(SecurityDenials.Find($"audit: type=1400 audit(1795320601.1:1): apparmor=\"DENIED\" operation=\"connect\" profile=\"ci\" name={hexadecimal} pid=1 comm=\"x\" denied_mask=\"wr\"", path));
        Assert.Contains(path, denial.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void StepsOfABuild_ThatThePolicyStops_AreFound()
        => Assert.Single(SecurityDenials.Find("""audit: type=1400 audit(1795320601.1:9): apparmor="DENIED" operation="mount" info="failed mntpnt match" error=-13 profile="/usr/local/bin/buildkitd" name="/tmp/x/" pid=77 comm="buildkitd" fstype="overlay" srcname="overlay" """, Socket));
}
