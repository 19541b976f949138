using OpenCloud.Build.Client.Vulnerabilities.Versions;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Vulnerabilities;

/// <summary>
/// The order of versions. The rows of dpkg, PEP 440, npm, RPM and Maven are those that dpkg 1.21, packaging 23, npm's semver 7, rpm 4.18 and Maven
/// 3.8.7 answer.
/// </summary>
public sealed class VersionTests
{
    [Theory]
    [InlineData("1.0", "<", "1.1")]
    [InlineData("1.0", "=", "1.0-0")]
    [InlineData("1.0~rc1", "<", "1.0")]
    [InlineData("1.0~~", "<", "1.0~")]
    [InlineData("1.0~rc1-1", "<", "1.0-1")]
    [InlineData("2.36-9", "<", "2.36-9+deb12u4")]
    [InlineData("2.36-9+deb12u4", "<", "2.36-9+deb12u10")]
    [InlineData("1:0.9", ">", "2.0")]
    [InlineData("0:1.0", "=", "1.0")]
    [InlineData("1.0-1", "<", "1.0-1ubuntu1")]
    [InlineData("1.0a", "<", "1.0+")]
    [InlineData("1.0.9", "<", "1.0.10")]
    [InlineData("1.0-1", "<", "1.0-1.1")]
    [InlineData("1.001", "=", "1.1")]
    [InlineData("7.88.1-10+deb12u5", "<", "7.88.1-10+deb12u6")]
    [InlineData("1.2.3-4~bpo12+1", "<", "1.2.3-4")]
    [InlineData("1.0a1", "<", "1.0b")]
    [InlineData("12345678901234567890123", "<", "12345678901234567890124")]
    [InlineData("3.0.11-1~deb12u2", "<", "3.0.13-1~deb12u1")]
    [InlineData("1.0-a-1", "<", "1.0-b-1")]
    [InlineData("5.10.0-8", "<", "5.10.0.1-1")]
    [InlineData("a", "<", "b")]
    [InlineData("0.9~beta", "<", "0.9")]
    [InlineData("1.2.0-0.1", ">", "1.2.0-0")]
    public void Debian(string left, string order, string right) => Check("Debian", left, order, right);

    [Theory]
    [InlineData("1.0", "=", "1.0")]
    [InlineData("1.0", "<", "2.0")]
    [InlineData("2.0.1", "<", "2.0.1a")]
    [InlineData("5.5p1", "<", "5.5p2")]
    [InlineData("5.5p1", "<", "5.5p10")]
    [InlineData("10xyz", "<", "10.1xyz")]
    [InlineData("xyz10", "<", "xyz10.1")]
    [InlineData("xyz.4", "<", "8")]
    [InlineData("1.0~rc1", "<", "1.0")]
    [InlineData("1.0~rc1", "<", "1.0~rc2")]
    [InlineData("1.0~rc1~git123", "<", "1.0~rc1")]
    [InlineData("1.0", "<", "1.0^")]
    [InlineData("1.0^git1", "<", "1.0^git2")]
    [InlineData("1.0^git1", "<", "1.01")]
    [InlineData("1.0^20160101", "<", "1.0.1")]
    [InlineData("1.0~rc1", "<", "1.0~rc1^git1")]
    [InlineData("2.0", "=", "2_0")]
    [InlineData("1.0010", "=", "1.10")]
    [InlineData("3.0.7-1.el9", "<", "3.0.7-16.el9_2")]
    [InlineData("1:3.0.7-1.el9", ">", "3.0.8-1.el9")]
    [InlineData("20101121", "<", "20101122")]
    [InlineData("2_0", "=", "2.0")]
    [InlineData("6.0.rc1", ">", "6.0")]
    [InlineData("a", "=", "a+")]
    [InlineData("fc4", "<", "fc.4.1")]
    [InlineData("1.0-1.el8", "<", "1.0-1.el8_5.1")]
    [InlineData("1.0^~1", "<", "1.0^")]
    public void Rpm(string left, string order, string right) => Check("Rocky Linux", left, order, right);

    [Theory]
    [InlineData("1.0", "<", "1.1")]
    [InlineData("1.1.1t-r0", "<", "1.1.1u-r0")]
    [InlineData("3.1.4-r5", "<", "3.1.4-r6")]
    [InlineData("3.1.4-r9", "<", "3.1.4-r10")]
    [InlineData("1.0_rc1", "<", "1.0")]
    [InlineData("1.0_alpha", "<", "1.0_beta")]
    [InlineData("1.0_beta2", "<", "1.0_pre1")]
    [InlineData("1.0_pre1", "<", "1.0_rc1")]
    [InlineData("1.0", "<", "1.0_p1")]
    [InlineData("1.0_git20200101", "<", "1.0_p1")]
    [InlineData("1.0_cvs1", "<", "1.0_svn1")]
    [InlineData("1.0_p1", "<", "1.0_p2")]
    [InlineData("1.0", "<", "1.0.1")]
    [InlineData("1.0", "<", "1.0a")]
    [InlineData("1.0a", "<", "1.0b")]
    [InlineData("1.01", "<", "1.1")]
    [InlineData("1.001", "<", "1.01")]
    [InlineData("1.0-r1", "<", "1.0.0-r0")]
    [InlineData("1.0_rc1-r3", "<", "1.0-r0")]
    [InlineData("1.36.1-r15", "<", "1.36.1-r29")]
    [InlineData("1.2.3~abc-r0", ">", "1.2.3-r0")]
    [InlineData("6.4_p20231125-r0", "<", "6.4_p20231126-r0")]
    [InlineData("10", ">", "9.9")]
    [InlineData("1.0-r0", "=", "1.0-r0")]
    [InlineData("2.12.5_git20230601-r1", ">", "2.12.5-r9")]
    public void Alpine(string left, string order, string right) => Check("Alpine", left, order, right);

    [Theory]
    [InlineData("1.0", "=", "1.0.0")]
    [InlineData("1.0.dev1", "<", "1.0a1")]
    [InlineData("1.0a1", "<", "1.0a2.dev456")]
    [InlineData("1.0a2.dev456", "<", "1.0a2")]
    [InlineData("1.0a2", "<", "1.0b1.dev1")]
    [InlineData("1.0a12", "<", "1.0b1")]
    [InlineData("1.0b2", "<", "1.0b2.post345")]
    [InlineData("1.0b2.post345.dev456", "<", "1.0b2.post345")]
    [InlineData("1.0rc1.dev456", "<", "1.0rc1")]
    [InlineData("1.0rc1", "<", "1.0")]
    [InlineData("1.0", "<", "1.0+abc.5")]
    [InlineData("1.0+abc.5", "<", "1.0+abc.7")]
    [InlineData("1.0+abc.7", "<", "1.0+5")]
    [InlineData("1.0+5", "<", "1.0.post456.dev34")]
    [InlineData("1.0.post456.dev34", "<", "1.0.post456")]
    [InlineData("1.0.post456", "<", "1.1.dev1")]
    [InlineData("1.0-1", "=", "1.0.post1")]
    [InlineData("1.0-alpha_1", "=", "1.0a1")]
    [InlineData("1.0preview2", "=", "1.0rc2")]
    [InlineData("1.0c2", "=", "1.0rc2")]
    [InlineData("v1.0", "=", "1.0")]
    [InlineData("1!0.5", ">", "2024.1")]
    [InlineData("1.0-rev3", "=", "1.0.post3")]
    [InlineData("1.0.post", "=", "1.0.post0")]
    [InlineData("1.0dev", "=", "1.0.dev0")]
    [InlineData("2.31.0", "<", "2.32.0")]
    [InlineData("1.10", ">", "1.9")]
    [InlineData("1.0RC1", "=", "1.0rc1")]
    [InlineData("1.0a.dev1", "<", "1.0a0")]
    [InlineData("1.0.0.0.1", ">", "1.0")]
    public void Python(string left, string order, string right) => Check("PyPI", left, order, right);

    [Theory]
    [InlineData("1.0.0-alpha", "<", "1.0.0-alpha.1")]
    [InlineData("1.0.0-alpha.1", "<", "1.0.0-alpha.beta")]
    [InlineData("1.0.0-alpha.beta", "<", "1.0.0-beta")]
    [InlineData("1.0.0-beta", "<", "1.0.0-beta.2")]
    [InlineData("1.0.0-beta.2", "<", "1.0.0-beta.11")]
    [InlineData("1.0.0-beta.11", "<", "1.0.0-rc.1")]
    [InlineData("1.0.0-rc.1", "<", "1.0.0")]
    [InlineData("1.0.0", "<", "2.0.0")]
    [InlineData("2.1.0", "<", "2.1.1")]
    [InlineData("1.0.0+a", "=", "1.0.0+b")]
    [InlineData("4.17.20", "<", "4.17.21")]
    [InlineData("0.0.0-20210101000000-abcdef123456", "<", "0.0.0-20220101000000-000000000000")]
    [InlineData("1.0.0-1", "<", "1.0.0-a")]
    [InlineData("1.0.0-A", "<", "1.0.0-a")]
    [InlineData("1.2.3-x-y", "<", "1.2.3")]
    [InlineData("1.2", "=", "1.2.0")]
    [InlineData("v1.21.3", "=", "1.21.3")]
    [InlineData("go1.21.3", "=", "1.21.3")]
    [InlineData("2.0.0+incompatible", "=", "2.0.0")]
    [InlineData("0", "<", "0.0.1")]
    public void Semantic(string left, string order, string right) => Check("npm", left, order, right);

    [Theory]
    [InlineData("1.0", "=", "1.0.0.0")]
    [InlineData("1.0.0.1", ">", "1.0.0")]
    [InlineData("1.0.0-Alpha", "=", "1.0.0-alpha")]
    [InlineData("1.0.0-beta", "<", "1.0.0")]
    [InlineData("13.0.1", "<", "13.0.3")]
    [InlineData("4.3.0.1", "<", "4.3.1")]
    [InlineData("1.0.0-rc.2", "<", "1.0.0-rc.10")]
    public void NuGet(string left, string order, string right) => Check("NuGet", left, order, right);

    [Theory]
    [InlineData("1", "<", "1.1")]
    [InlineData("1-snapshot", "<", "1")]
    [InlineData("1", "<", "1-sp")]
    [InlineData("1-foo2", "<", "1-foo10")]
    [InlineData("1.foo", "=", "1-foo")]
    [InlineData("1-foo", "<", "1-1")]
    [InlineData("1-1", "<", "1.1")]
    [InlineData("1.ga", "=", "1")]
    [InlineData("1-ga", "=", "1")]
    [InlineData("1.0", "=", "1")]
    [InlineData("1-0", "=", "1")]
    [InlineData("1-sp", ">", "1-ga")]
    [InlineData("1-sp.1", ">", "1-ga.1")]
    [InlineData("1-sp-1", "<", "1-ga-1")]
    [InlineData("1-a1", "=", "1-alpha-1")]
    [InlineData("1.0-alpha-1", "<", "1.0-beta-1")]
    [InlineData("1.0-beta-2", "<", "1.0-milestone-1")]
    [InlineData("1.0-m1", "<", "1.0-rc1")]
    [InlineData("1.0-rc1", "=", "1.0-cr1")]
    [InlineData("1.0-rc2", "<", "1.0-SNAPSHOT")]
    [InlineData("1.0-SNAPSHOT", "<", "1.0.0.RELEASE")]
    [InlineData("2.14.1", "<", "2.15.0")]
    [InlineData("2.0-beta9", "<", "2.3.1")]
    [InlineData("9.0.0.M1", "<", "9.0.0.M10")]
    [InlineData("9.0.0.M27", "<", "9.0.0")]
    [InlineData("4.1.77.Final", "<", "4.1.78.Final")]
    [InlineData("31.1-android", "<", "31.1-jre")]
    [InlineData("1.0.0-rc.1", "<", "1.0.0")]
    [InlineData("1.2.3.4", "<", "1.2.3.5")]
    [InlineData("1.0.x", "<", "1.0.1")]
    [InlineData("20230227", "<", "20231013")]
    [InlineData("2.0.0.Final", "=", "2")]
    [InlineData("1-alpha", "<", "1-beta")]
    [InlineData("1.0.1-1", ">", "1.0.1")]
    [InlineData("5.3.18", "<", "5.3.20")]
    [InlineData("1.0alpha1", "=", "1.0-a1")]
    public void Maven(string left, string order, string right) => Check("Maven", left, order, right);

    [Theory]
    [InlineData("npm", "")]
    [InlineData("npm", "latest")]
    [InlineData("npm", "1..2")]
    [InlineData("npm", "1.0.0-a..b")]
    [InlineData("Go", "(devel)")]
    [InlineData("PyPI", "")]
    [InlineData("PyPI", "1.0-x")]
    [InlineData("PyPI", "1.0+")]
    [InlineData("PyPI", "1.*")]
    [InlineData("Debian", "")]
    [InlineData("Debian", "x:1")]
    [InlineData("Debian", "1 2")]
    [InlineData("Alpine", "x1")]
    [InlineData("Alpine", "1.0_new")]
    [InlineData("Alpine", "1.0-1")]
    [InlineData("Red Hat", "a:1")]
    [InlineData("Maven", "")]
    public void WhatIsNoVersionHasNoOrder(string ecosystem, string text)
    {
        VersionOrder order = VersionOrders.Of(ecosystem)!;
        Assert.Null(order(text, "1.0"));
        Assert.Null(order("1.0", text));
    }

    [Theory]
    [InlineData("npm")]
    [InlineData("PyPI")]
    [InlineData("Debian")]
    [InlineData("Alpine")]
    [InlineData("Red Hat")]
    [InlineData("Maven")]
    public void ALongTextIsNoVersion(string ecosystem) => Assert.Null(VersionOrders.Of(ecosystem)!(new string('1', 5000), "1"));

    [Fact]
    public void AnUnknownEcosystemHasNoOrder() => Assert.Null(VersionOrders.Of("Hackage"));

    private static void Check(string ecosystem, string left, string order, string right)
    {
        VersionOrder compare = VersionOrders.Of(ecosystem)!;
        int expected = order switch
        {
            "<" => -1,
            ">" => 1,
            _ => 0,
        };
        Assert.Equal(expected, compare(left, right));
        Assert.Equal(-expected, compare(right, left));
        Assert.Equal(0, compare(left, left));
    }
}
