using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Debian's sshd on loopback, with keys of its own, and a directory whose <c>ssh</c> knows it as the host <c>box</c>.</summary>
internal sealed class SshServer : IAsyncDisposable
{
    private readonly ContextFolder _folder;
    private readonly Process _server;

    private SshServer(ContextFolder folder, Process server, int port)
    {
        Port = port;
        _folder = folder;
        _server = server;
    }

    public int Port { get; }

    /// <summary>A text that the command line of each of its clients has.</summary>
    public string ClientMark => $"{_folder.Path}/client.conf";

    /// <summary>A PATH with this ssh before all others.</summary>
    public string SearchPath => $"{_folder.Path}/bin:/usr/bin:/bin";

    /// <summary>Starts it. Skips the test where its packages are not available.</summary>
    /// <param name="remotePath">The PATH of the commands that it runs.</param>
    public static async Task<SshServer> StartAsync(string remotePath)
    {
        IReadOnlyDictionary<string, string> packages;
        try
        {
            packages = await EngineScript.GetAsync("ssh");
        }
        catch (EngineUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }

        ContextFolder folder = new();
        string client = Path.Join(packages["openssh-client"], "usr/bin");
        foreach (string key in (string[])["host", "user"])
        {
            _ = (await Command.RunAsync(Path.Join(client, "ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-f", Path.Join(folder.Path, key)], null, CancellationToken.None)).Succeeded();
        }

        int port = FreePort();
        string hostKey = string.Join(' ', (await File.ReadAllTextAsync(Path.Join(folder.Path, "host.pub"))).Split(' ').Take(2));
        folder.Write("known", $"[127.0.0.1]:{port} {hostKey}\n");
        folder.Write("server.conf", $"""
            Port {port}
            ListenAddress 127.0.0.1
            HostKey {folder.Path}/host
            AuthorizedKeysFile {folder.Path}/user.pub
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            SetEnv PATH={remotePath}

            """);
        folder.Write("client.conf", $"""
            Host box
              HostName 127.0.0.1
              Port {port}
              User {Environment.UserName}
              IdentityFile {folder.Path}/user
              IdentitiesOnly yes
              UserKnownHostsFile {folder.Path}/known

            """);
        folder.Write("bin/ssh", $"#!/bin/sh\nexec '{client}/ssh' -F '{folder.Path}/client.conf' \"$@\"\n");
        File.SetUnixFileMode(Path.Join(folder.Path, "bin/ssh"), (UnixFileMode)0x1ED);

        // The server separates its privileges with a user that only the package's installation creates. A bash would read this machine's .bashrc
        // for each command, which can take seconds.
        string sshd = Path.Join(packages["openssh-server"], "usr/sbin/sshd");
        folder.Write("passwd", "root:x:0:0:root:/root:/bin/sh\n" + await File.ReadAllTextAsync("/etc/passwd") + "sshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n");
        string start = Environment.UserName == "root"
            ? $"mkdir -p /run/sshd; mount --bind '{folder.Path}/passwd' /etc/passwd; exec '{sshd}' -D -f '{folder.Path}/server.conf' -E '{folder.Path}/log'"
            : $"exec '{sshd}' -D -f '{folder.Path}/server.conf' -E '{folder.Path}/log'";
        ProcessStartInfo info = new("/bin/sh", Environment.UserName == "root" ? ["-c", "exec unshare --mount sh -c \"$0\"", start] : ["-c", start]);
        info.Environment["LD_LIBRARY_PATH"] = string.Join(':', packages.Values.SelectMany(static p => new[] { Path.Join(p, "lib/x86_64-linux-gnu"), Path.Join(p, "usr/lib/x86_64-linux-gnu") }));
        SshServer server = new(folder, Process.Start(info)!, port);
        for (int i = 0; !await ListensAsync(port); i++)
        {
            Assert.True(i < 500 && !server._server.HasExited, File.Exists($"{folder.Path}/log") ? await File.ReadAllTextAsync($"{folder.Path}/log") : "sshd did not start.");
            await Task.Delay(20);
        }

        return server;
    }

    public async ValueTask DisposeAsync()
    {
        _server.Kill(entireProcessTree: true);
        await _server.WaitForExitAsync();
        _server.Dispose();
        _folder.Dispose();
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<bool> ListensAsync(int port)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
