using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Engines;

/// <summary>Debian's sshd on loopback, with keys of its own, for this run only.</summary>
internal sealed class SshHost : IDisposable
{
    /// <summary>What its client calls it.</summary>
    public const string Name = "bench";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    private readonly Process _server;

    /// <summary>Starts it.</summary>
    /// <param name="folder">The folder of its keys and its log.</param>
    /// <param name="programs">The folder of the programs that its users have first on PATH.</param>
    public SshHost(string folder, string programs)
    {
        // One line a package: its name, its version, its folder.
        Dictionary<string, string> packages = new CommandLine(Programs.Fixture, ["get", "ssh"]).Capture().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split(' ', 3)).ToDictionary(static fields => fields[0].Split('/')[^1], static fields => fields[2]);
        Client = Path.Join(packages["openssh-client"], "usr/bin/ssh");
        Configuration = Path.Join(folder, "client.conf");
        foreach (string key in (string[])["host", "user"])
        {
            _ = new CommandLine(Path.Join(packages["openssh-client"], "usr/bin/ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-f", Path.Join(folder, key)]).Capture();
        }

        int port = OwnBuildkitd.FreePort();
        string hostKey = string.Join(' ', File.ReadAllText(Path.Join(folder, "host.pub")).Split(' ').Take(2));
        File.WriteAllText(Path.Join(folder, "known"), $"[127.0.0.1]:{port} {hostKey}\n");
        File.WriteAllText(Path.Join(folder, "server.conf"), $"""
            Port {port}
            ListenAddress 127.0.0.1
            HostKey {folder}/host
            AuthorizedKeysFile {folder}/user.pub
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            SetEnv PATH={programs}:/usr/bin:/bin

            """);
        File.WriteAllText(Configuration, $"""
            Host {Name}
              HostName 127.0.0.1
              Port {port}
              User root
              IdentityFile {folder}/user
              IdentitiesOnly yes
              UserKnownHostsFile {folder}/known

            """);

        // The server separates its privileges with a user that only the package's installation creates. A bash would read this machine's .bashrc
        // for each command.
        string passwd = Path.Join(folder, "passwd");
        File.WriteAllText(passwd, "root:x:0:0:root:/root:/bin/sh\n" + File.ReadAllText("/etc/passwd") + "sshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n");
        ProcessStartInfo start = new("unshare", ["--mount", "sh", "-c", """mkdir -p /run/sshd; mount --bind "$1" /etc/passwd; exec "$2" -D -f "$3" -E "$4" """, "sh", passwd, Path.Join(packages["openssh-server"], "usr/sbin/sshd"), Path.Join(folder, "server.conf"), Path.Join(folder, "log")]);
        start.Environment["LD_LIBRARY_PATH"] = string.Join(':', packages.Values.SelectMany(static p => new[] { Path.Join(p, "lib/x86_64-linux-gnu"), Path.Join(p, "usr/lib/x86_64-linux-gnu") }));
        _server = Process.Start(start) ?? throw new BenchException("sshd did not start.");
        DateTime limit = DateTime.UtcNow + StartLimit;
        while (!Listens(port))
        {
            if (_server.HasExited || DateTime.UtcNow > limit)
            {
                Dispose();
                throw new BenchException("sshd does not listen.");
            }

            Thread.Sleep(20);
        }
    }

    /// <summary>The ssh of the same packages.</summary>
    public string Client { get; }

    /// <summary>The configuration with which ssh knows it.</summary>
    public string Configuration { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _server.Kill(entireProcessTree: true);
        _server.WaitForExit();
        _server.Dispose();
    }

    private static bool Listens(int port)
    {
        using TcpClient client = new();
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
