using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>With a real release: what an engine without a network builds and what it cannot, before and after a reboot.</summary>
public sealed class RealIsolationTests
{
    [Theory]
    [InlineData("bookworm")]
    [InlineData("trixie")]
    public void BuildsWithoutANetwork(string suite)
    {
        Assert.SkipWhen(TestArchive.Real is null, "OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE names no archive of a real BuildKit");

        // The root of these hosts is an overlay, on which another cannot be stacked; runc needs what nspawn keeps back.
        var state = Directory.CreateTempSubdirectory("ocb-state-").FullName;
        try
        {
            using var host = SystemdHost.Boot(suite, "--system-call-filter=@keyring bpf", "--capability=all", $"--bind={state}:/var/lib/buildkit");
            var archive = TestArchive.UnderTest(host);
            host.Driver(["install", "--isolated", .. archive.Options]).Ok();
            IsolatedBuild.Prepare(host);
            var labels = host.Driver("ask", "--address", "unix:///run/buildkit/buildkitd.sock").Ok()["Labels"]!;
            Assert.Contains("\"build.opencloud.managed-by\":\"OpenCloud.Build\"", labels, StringComparison.Ordinal);
            Assert.Contains("\"build.opencloud.network\":\"none\"", labels, StringComparison.Ordinal);
            IsolatedBuild.Prove(host, "unix:///run/buildkit/buildkitd.sock");
            host.Reboot();
            Assert.Equal("false", host.Driver(["install", "--isolated", .. archive.Options]).Ok()["Changed"]);
            Assert.Equal("lo\n", host.Shell(IsolationTests.EngineInterfaces));
            IsolatedBuild.Prove(host, "unix:///run/buildkit/buildkitd.sock");
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }
}
