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
                mkdir -p /tmp/app; cd /tmp/app; dpkg-deb --fsys-tarfile /var/cache/apt/archives/busybox-static_*.deb | tar -x --wildcards '*/busybox'
                cp "$(find . -name busybox -type f)" busybox
                printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","sh","-c","echo built-as-$(/bin/busybox id -u) > /made"]\n' > Dockerfile; chmod -R a+rX /tmp/app
                """);
            host.Shell("rm -rf /tmp/out; runuser -u ubuntu -- buildctl build --frontend dockerfile.v0 --local context=/tmp/app --local dockerfile=/tmp/app --output type=local,dest=/tmp/out --progress plain");
            Assert.Equal("built-as-0\n", host.Run("cat", "/tmp/out/made"));
            host.Reboot();
            Assert.Equal("false", host.Driver(["install", "--worker", worker, .. archive.Options]).Ok()["Changed"]);
            host.Shell("runuser -u ubuntu -- buildctl build --frontend dockerfile.v0 --local context=/tmp/app --local dockerfile=/tmp/app --progress plain 2>&1 || (mkdir -p /tmp/app; true)");
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }
}
