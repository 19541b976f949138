using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>With a real release: an image is built at the end, under the hardened unit, with both workers, by a member of the group.</summary>
public sealed class RealBuildTests
{
    [Theory]
    [InlineData("bookworm", "Containerd")]
    [InlineData("bookworm", "Oci")]
    [InlineData("trixie", "Containerd")]
    [InlineData("trixie", "Oci")]
    public void AMemberBuildsAnImage(string suite, string worker)
    {
        Assert.SkipWhen(TestArchive.Real is null, "OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE names no archive of a real BuildKit");

        // The root of these hosts is an overlay, on which another cannot be stacked; runc needs what nspawn keeps back.
        var state = Directory.CreateTempSubdirectory("ocb-state-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(state, "containerd"));
            Directory.CreateDirectory(Path.Combine(state, "buildkit"));
            using var host = SystemdHost.Boot(
                suite,
                "--system-call-filter=@keyring bpf",
                "--capability=all",
                $"--bind={state}/containerd:/var/lib/containerd",
                $"--bind={state}/buildkit:/var/lib/buildkit");
            var archive = TestArchive.UnderTest(host);
            host.Driver(["install", "--worker", worker, .. archive.Options]).Ok();
            host.Driver("grant", "--user", "ubuntu").Ok();
            host.Shell(
                """
                mkdir -p /srv/app /srv/deb; dpkg-deb -x /var/cache/apt/archives/busybox-static_*.deb /srv/deb
                cp "$(find /srv/deb -path '*bin/busybox')" /srv/app/busybox
                printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","sh","-c","echo built > /made"]\n' > /srv/app/Dockerfile
                chmod -R a+rX /srv/app
                """);
            const string Build = "rm -rf /tmp/out; runuser -u ubuntu -- buildctl build --frontend dockerfile.v0 --local context=/srv/app --local dockerfile=/srv/app --output type=local,dest=/tmp/out --progress plain; cat /tmp/out/made";
            Assert.EndsWith("built\n", host.Shell(Build), StringComparison.Ordinal);
            host.Reboot();
            Assert.Equal("false", host.Driver(["install", "--worker", worker, .. archive.Options]).Ok()["Changed"]);
            Assert.EndsWith("built\n", host.Shell(Build), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }
}
