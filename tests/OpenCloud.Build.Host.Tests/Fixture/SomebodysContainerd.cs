namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>
/// containerd 2.x as its project says to install it, by hand and under /usr/local. The distributions under test have 1.x; its
/// programs come out of a newer Debian's package, through the engines' fixture.
/// </summary>
internal static class SomebodysContainerd
{
    private static readonly Lazy<CommandResult> Package = new(static () => FixtureScript.Run("engine", ["get", "containerd-2"]));

    /// <summary>The argument that brings the programs into a host; skips the test where they cannot be had.</summary>
    public static string Bind()
    {
        string line = Package.Value.Require().Split('\n').First(static text => text.StartsWith("sid/containerd ", StringComparison.Ordinal));
        return $"--bind-ro={line.Split(' ', 3)[2]}:/ocb/containerd";
    }

    /// <summary>Installs and starts it, and gives its version.</summary>
    public static string Install(SystemdHost host)
        => host.Shell(
            """
            apt-get install -y -q --no-install-recommends runc >/dev/null 2>&1
            cp /ocb/containerd/usr/bin/* /usr/local/bin/
            printf '[Unit]\nDescription=mine\nAfter=network.target\n[Service]\nType=notify\nExecStart=/usr/local/bin/containerd\nDelegate=yes\nKillMode=process\nRestart=always\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/containerd.service
            mkdir -p /etc/containerd; printf 'version = 3\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]\n' > /etc/containerd/config.toml
            systemctl daemon-reload; systemctl enable -q --now containerd
            ctr version | sed -n '/Server/,$s/ *Version: *//p'
            """).Trim();
}
