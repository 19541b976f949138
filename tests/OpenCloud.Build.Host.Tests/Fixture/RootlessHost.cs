namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>A host in which user namespaces, their networks and their mounts work, and a home that overlays can lie on.</summary>
internal sealed class RootlessHost : IDisposable
{
    private readonly string? _homes;

    private RootlessHost(string suite)
    {
        // What nspawn keeps back: keyrings and bpf for runc, and the capabilities the tests need to break things with.
        string[] arguments = ["--system-call-filter=@keyring bpf", "--capability=all"];
        if (TestArchive.Real is not null)
        {
            // The root of these hosts is an overlay, on which another cannot be stacked.
            _homes = Directory.CreateTempSubdirectory("ocb-homes-").FullName;
            File.SetUnixFileMode(_homes, (UnixFileMode)0b111_101_101);
            arguments = [.. arguments, $"--bind={_homes}:/home"];
        }

        try
        {
            Host = SystemdHost.Boot(suite, arguments);
        }
        catch
        {
            DropHomes();
            throw;
        }

        Host.Shell("for u in ubuntu outsider; do mkdir -p /home/$u; chown $u:$u /home/$u; done");
    }

    /// <summary>The host.</summary>
    public SystemdHost Host { get; }

    /// <summary>Boots one.</summary>
    public static RootlessHost Boot(string suite) => new(suite);

    /// <summary>With a real release, builds an image as a user; with the stand-in, asks it who it is.</summary>
    public void Build(string user, string socket, TestArchive archive, string prefix = "/opt/buildkit")
    {
        DriverAnswer answer = Host.DriverAs(user, "connect", "--path", socket).Ok();
        Xunit.Assert.Equal(("true", archive.Version), (answer["Connected"], answer["Version"]));
        if (!TestArchive.IsReal())
        {
            return;
        }

        Xunit.Assert.EndsWith("built\n", Build(user, socket, prefix, "echo built > /made; /bin/busybox chown 4321:1234 /made"), StringComparison.Ordinal);
    }

    /// <summary>Builds an image with a real release as a user: busybox and one step.</summary>
    /// <returns>The log, and then what the step wrote to /made.</returns>
    public string Build(string user, string socket, string prefix, string step) => Host.Shell(
        $$"""
        mkdir -p /var/tmp/app /var/tmp/deb; test -e /var/tmp/app/busybox || { dpkg-deb -x /var/cache/apt/archives/busybox-static_*.deb /var/tmp/deb; cp "$(find /var/tmp/deb -path '*bin/busybox')" /var/tmp/app/busybox; }
        printf 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","sh","-c","{{step}}"]\n' > /var/tmp/app/Dockerfile
        chmod -R a+rX /var/tmp/app; rm -rf /tmp/out
        runuser -u {{user}} -- {{prefix}}/bin/buildctl --addr unix://{{socket}} build --no-cache --frontend dockerfile.v0 --local context=/var/tmp/app --local dockerfile=/var/tmp/app --output type=local,dest=/tmp/out --progress plain
        cat /tmp/out/made
        """);

    /// <summary>After a boot, with nobody logged in and without help: the user's services have started, the engine among them, and it answers.</summary>
    /// <param name="user">Whose engine.</param>
    /// <param name="systemUnit">The unit of the system that starts it; null for the user's.</param>
    public void HasStartedByItself(string user, string? systemUnit = null)
    {
        // From systemd 256 on the user's manager is a session, of a class of its own.
        const string Jobs = "is-system-running --wait >/dev/null 2>&1 || :";
        string manager = systemUnit is null ? $"runuser -u {user} -- env XDG_RUNTIME_DIR=/run/user/$(id -u {user}) systemctl --user" : "systemctl";
        Host.Shell($"systemctl {Jobs}; {manager} {Jobs}; {manager} is-active --quiet {systemUnit ?? "buildkit.service"}; ! loginctl list-sessions --no-legend | grep -v ' manager'");
        Xunit.Assert.Equal("true", Host.Driver("diagnose", "--path", SocketOf(user), "--as", user).Ok()["Reachable"]);
    }

    /// <summary>The number of a user.</summary>
    public string Uid(string user) => Host.Run("id", "-u", user).Trim();

    /// <summary>The socket of a user's engine.</summary>
    public string SocketOf(string user) => $"/run/user/{Uid(user)}/buildkit/buildkitd.sock";

    public void Dispose()
    {
        Host.Dispose();
        DropHomes();
    }

    private void DropHomes()
    {
        if (_homes is not null)
        {
            Directory.Delete(_homes, recursive: true);
        }
    }
}
