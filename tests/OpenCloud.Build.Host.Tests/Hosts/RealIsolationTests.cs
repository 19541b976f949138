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
        string state = Directory.CreateTempSubdirectory("ocb-state-").FullName;
        try
        {
            using SystemdHost host = SystemdHost.Boot(suite, "--system-call-filter=@keyring bpf", "--capability=all", $"--bind={state}:/var/lib/buildkit");
            TestArchive archive = TestArchive.UnderTest(host);

            // What other software notes of its own containers, at the same place.
            const string Others = "cni-loopback-2f5b0c1c5a4b4a0d8a8f1a5cbb6c1c41a52b0c1c5a4b4a0d8a8f1a5cbb6c1c41-lo";
            host.Shell($"mkdir -m 700 -p /var/lib/cni/results; echo other > /var/lib/cni/results/{Others}");
            host.Driver(["install", "--isolated", .. archive.Options]).Ok();
            IsolatedBuild.Prepare(host);
            string labels = host.Driver("ask", "--address", "unix:///run/buildkit/buildkitd.sock").Ok()["Labels"]!;
            Assert.Contains("\"build.opencloud.managed-by\":\"OpenCloud.Build\"", labels, StringComparison.Ordinal);
            Assert.Contains("\"build.opencloud.network\":\"none\"", labels, StringComparison.Ordinal);
            IsolatedBuild.Prove(host, "unix:///run/buildkit/buildkitd.sock");
            host.Reboot();
            Assert.Equal("false", host.Driver(["install", "--isolated", .. archive.Options]).Ok()["Changed"]);
            Assert.Equal("lo\n", host.Shell(IsolationTests.EngineInterfaces));
            IsolatedBuild.Prove(host, "unix:///run/buildkit/buildkitd.sock");

            // Killed, so that it has no time to tidy up.
            Assert.Contains("/opencloud.build-isolated-", host.Shell("systemctl kill -s KILL buildkit; find /var/lib/cni -type f"), StringComparison.Ordinal);
            host.Driver("uninstall", "--purge").Ok();
            Assert.Equal($"/var/lib/cni/results/{Others}\nother\n", host.Shell("find /var/lib/cni -type f; cat /var/lib/cni/results/*"));
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }
}
