using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Images.References;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Images.References;

public sealed class PlatformTests
{
    [Theory]
    [InlineData("linux/amd64", "linux/amd64")]
    [InlineData("Linux/AMD64", "linux/amd64")]
    [InlineData("linux/x86_64", "linux/amd64")]
    [InlineData("linux/x86-64", "linux/amd64")]
    [InlineData("linux/amd64/v1", "linux/amd64")]
    [InlineData("linux/amd64/v3", "linux/amd64/v3")]
    [InlineData("linux/i386", "linux/386")]
    [InlineData("linux/aarch64", "linux/arm64")]
    [InlineData("linux/arm64/v8", "linux/arm64/v8")]
    [InlineData("linux/arm64/8", "linux/arm64/v8")]
    [InlineData("linux/arm64/9", "linux/arm64/v9")]
    [InlineData("linux/arm", "linux/arm")]
    [InlineData("linux/armhf", "linux/arm")]
    [InlineData("linux/armel", "linux/arm/v6")]
    [InlineData("linux/arm/7", "linux/arm/v7")]
    [InlineData("linux/arm/v7", "linux/arm/v7")]
    [InlineData("linux/arm/6", "linux/arm/v6")]
    [InlineData("macos/arm64", "darwin/arm64")]
    [InlineData("windows/amd64", "windows/amd64")]
    [InlineData("some-os/some_arch/x.1", "some-os/some_arch/x.1")]
    [InlineData("aarch64", "linux/arm64")]
    [InlineData("armhf", "linux/arm")]
    [InlineData("s390x", "linux/s390x")]
    public void Reads_and_normalizes(string text, string expected) => Assert.Equal(expected, Platform.Parse(text).ToString());

    [Fact]
    public void An_operating_system_alone_takes_this_machines_architecture() =>
        Assert.Equal(Platform.Current.Architecture, Platform.Parse("linux").Architecture);

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("linux/")]
    [InlineData("/amd64")]
    [InlineData("linux//v7")]
    [InlineData("linux/amd64/v1/x")]
    [InlineData("linux/*")]
    [InlineData("linux/amd 64")]
    [InlineData("lin.ux/amd64")]
    [InlineData("windows(10.0)/amd64")]
    [InlineData("toaster")]
    public void Refuses(string text)
    {
        Assert.False(Platform.TryParse(text, out _, out string? error));
        Assert.NotEmpty(error);
        Assert.Throws<FormatException>(() => Platform.Parse(text));
    }

    [Theory]
    [InlineData("linux/arm", "linux/arm/v7", true)]
    [InlineData("linux/arm64", "linux/arm64/v8", true)]
    [InlineData("linux/amd64", "linux/amd64/v1", true)]
    [InlineData("linux/amd64", "linux/amd64/v2", false)]
    [InlineData("linux/arm/v6", "linux/arm/v7", false)]
    [InlineData("linux/amd64", "windows/amd64", false)]
    public void Matches_what_means_the_same(string one, string other, bool matches) =>
        Assert.Equal(matches, Platform.Parse(one).Matches(Platform.Parse(other)));

    [Fact]
    public void Any_text_is_read_or_refused_and_the_normal_form_is_stable() =>
        Prop.ForAll(ArbMap.Default.GeneratorFor<string>().ToArbitrary(), static text =>
            !Platform.TryParse(text, out Platform? platform, out _) || Platform.Parse(platform.ToString()) == platform).QuickCheckThrowOnFailure();
}
