using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>A host on which images can really be built: with file systems of its own for the state of engines.</summary>
internal sealed class BuildHost : IDisposable
{
    private const string Build = "rm -rf /tmp/out; runuser -u ubuntu -- buildctl build --frontend dockerfile.v0 --local context=/srv/app --local dockerfile=/srv/app --output type=local,dest=/tmp/out --progress plain; cat /tmp/out/made";

    private readonly string _state;

    private BuildHost(SystemdHost host, string state)
    {
        Host = host;
        _state = state;
    }

    /// <summary>The host.</summary>
    public SystemdHost Host { get; }

    /// <summary>Boots one, or skips the test where no real release is given.</summary>
    public static BuildHost Boot(string suite, params string[] nspawnArguments)
    {
        Assert.SkipWhen(TestArchive.Real is null, "OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE names no archive of a real BuildKit");

        // The root of these hosts is an overlay, on which another cannot be stacked; runc needs what nspawn keeps back.
        string state = Directory.CreateTempSubdirectory("ocb-state-").FullName;
        Directory.CreateDirectory(Path.Combine(state, "containerd"));
        Directory.CreateDirectory(Path.Combine(state, "buildkit"));
        try
        {
            SystemdHost host = SystemdHost.Boot(
                suite,
                [
                    "--system-call-filter=@keyring bpf",
                    "--capability=all",
                    $"--bind={state}/containerd:/var/lib/containerd",
                    $"--bind={state}/buildkit:/var/lib/buildkit",
                    .. nspawnArguments,
                ]);
            return new BuildHost(host, state);
        }
        catch
        {
            Directory.Delete(state, recursive: true);
            throw;
        }
    }

    /// <summary>A member of the group builds an image with a RUN step, and gets what it made.</summary>
    public void MemberBuilds()
    {
        Host.Driver("grant", "--user", "ubuntu").Ok();
        Host.Shell(
            """
            test -e /srv/app || {
              mkdir -p /srv/app /srv/deb; dpkg-deb -x /var/cache/apt/archives/busybox-static_*.deb /srv/deb
              cp "$(find /srv/deb -path '*bin/busybox')" /srv/app/busybox
              printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","sh","-c","echo built > /made"]\n' > /srv/app/Dockerfile
              chmod -R a+rX /srv/app
            }
            """);
        Assert.EndsWith("built\n", Host.Shell(Build), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Host.Dispose();
        Directory.Delete(_state, recursive: true);
    }
}
