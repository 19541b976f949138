using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>
/// containerd 2.x as its project says to install it, by hand and under /usr/local. The distributions under test have 1.x; its
/// programs come out of a newer Debian's package, through the engines' fixture.
/// </summary>
internal static class SomebodysContainerd
{
    private static readonly Lazy<(string? Folder, string Reason)> Package = new(Fetch);

    /// <summary>The argument that brings the programs into a host; skips the test where they cannot be had.</summary>
    public static string Bind()
    {
        Assert.SkipWhen(Package.Value.Folder is null, Package.Value.Reason);
        return $"--bind-ro={Package.Value.Folder}:/ocb/containerd";
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

    private static (string? Folder, string Reason) Fetch()
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(RepositoryPaths.Root, "tests/fixture/engine"), ["get", "containerd-2"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var line = output.Split('\n').FirstOrDefault(text => text.StartsWith("sid/containerd ", StringComparison.Ordinal));
        return process.ExitCode == 0 && line is not null ? (line.Split(' ')[2], string.Empty) : (null, $"no containerd 2: {error.Result.Trim()}");
    }
}
