using OpenCloud.Build.Host.Tests.Fixture;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Hosts;

/// <summary>What a real engine without a network builds, and what it cannot, on any kind of host.</summary>
internal static class IsolatedBuild
{
    /// <summary>A network that the host reaches and the engine must not: a web server on the host's loopback.</summary>
    public static void Prepare(ITestHost host) => host.Shell(
        """
        mkdir -p /srv/app /srv/deb /srv/www
        dpkg-deb -x /var/cache/apt/archives/busybox-static_*.deb /srv/deb
        cp "$(find /srv/deb -path '*bin/busybox')" /srv/app/busybox
        echo from-the-network > /srv/www/f
        cat > /srv/app/Dockerfile <<'X'
        FROM scratch
        COPY busybox /bin/busybox
        RUN ["/bin/busybox", "sh", "-c", "/bin/busybox echo sees: $(/bin/busybox ls /sys/class/net); /bin/busybox nc -w 2 127.0.0.1 8000 </dev/null && exit 9; /bin/busybox ping -c 1 -W 1 127.0.0.1 && /bin/busybox echo loopback works"]
        X
        printf 'FROM scratch\nADD http://127.0.0.1:8000/f /f\n' > /srv/app/add
        printf 'FROM registry.invalid/base:1\nCOPY busybox /b\n' > /srv/app/pull
        printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN --network=host ["/bin/busybox", "true"]\n' > /srv/app/host
        printf 'FROM base\nRUN ["/bin/busybox", "echo", "on the base of a layout"]\n' > /srv/app/layered
        chmod -R a+rX /srv/app
        """);

    /// <summary>Builds, and fails to.</summary>
    /// <param name="host">The host.</param>
    /// <param name="address">Where the host reaches its engine.</param>
    public static void Prove(ITestHost host, string address)
    {
        host.Shell(
            """
            systemctl is-active --quiet www || systemd-run --quiet --unit=www /srv/app/busybox httpd -f -p 127.0.0.1:8000 -h /srv/www
            for i in $(seq 100); do /srv/app/busybox wget -q -O - http://127.0.0.1:8000/f && break; sleep 0.1; done
            test -e /srv/layout || buildctl build --frontend dockerfile.v0 --local context=/srv/app --local dockerfile=/srv/app --output type=oci,tar=false,dest=/srv/layout,name=base:1 --progress plain
            """);
        IReadOnlyList<DriverAnswer> builds = host.Driver("build-all", "--address", address, "--context", "/srv/app", "--files", "Dockerfile,add,pull,host,layered", "--no-cache", "--base", "base=oci-layout:///srv/layout").Each();
        string log = Built(builds[0]);
        Assert.Contains("sees: lo", log, StringComparison.Ordinal);
        Assert.DoesNotContain("eth0", log, StringComparison.Ordinal);
        Assert.Contains("loopback works", log, StringComparison.Ordinal);
        Assert.Contains("connection refused", Failed(builds[1]), StringComparison.Ordinal);
        Assert.Contains("registry.invalid", Failed(builds[2]), StringComparison.Ordinal);
        Assert.Contains("network.host is not allowed", Failed(builds[3]), StringComparison.Ordinal);

        // A base image without any network: out of a layout, by name.
        Assert.Contains("on the base of a layout", Built(builds[4]), StringComparison.Ordinal);
    }

    private static string Built(DriverAnswer answer)
    {
        Assert.True(answer["Built"] == "true", answer["Message"] + answer["Log"]);
        return answer["Log"]!;
    }

    private static string Failed(DriverAnswer answer)
    {
        Assert.Equal("false", answer["Built"]);
        return answer["Message"]!;
    }
}
