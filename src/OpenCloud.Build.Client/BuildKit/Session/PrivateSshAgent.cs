using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;

namespace OpenCloud.Build.Client.BuildKit.Session;

/// <summary>
/// OpenSSH's agent, started for one build with the keys of some files, so that reading keys and signing is done by the program that is made for
/// it. Its socket is in a directory that only this user may enter; it ends with the build.
/// </summary>
internal sealed class PrivateSshAgent : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private PrivateSshAgent(DirectoryInfo folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    /// <summary>The agent's socket.</summary>
    public string SocketPath => Path.Combine(_folder.FullName, "agent");

    /// <summary>Starts an agent and gives it keys.</summary>
    /// <exception cref="IOException">OpenSSH is not there, or a key cannot be used; a key with a passphrase cannot.</exception>
    public static PrivateSshAgent Start(IReadOnlyList<string> keys)
    {
        // Made with mode 0700.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ocb-ssh-");
        Process? process = null;
        try
        {
            string socket = Path.Combine(folder.FullName, "agent");
            process = Run("ssh-agent", ["-D", "-a", socket], null);
            for (long start = Stopwatch.GetTimestamp(); !Listens(socket); Thread.Sleep(5))
            {
                if (process.HasExited || Stopwatch.GetElapsedTime(start) > Patience)
                {
                    throw new IOException("ssh-agent, which serves key files to a build, did not start.");
                }
            }

            PrivateSshAgent agent = new(folder, process);
            foreach (string key in keys)
            {
                agent.Add(key);
            }

            return agent;
        }
        catch
        {
            End(process, folder);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => End(_process, _folder);

    private static bool Listens(string path)
    {
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void End(Process? process, DirectoryInfo folder)
    {
        if (process is not null)
        {
            try
            {
                process.Kill();
                process.WaitForExit(Patience);
            }
            catch (InvalidOperationException)
            {
                // It has ended already.
            }

            process.Dispose();
        }

        folder.Delete(recursive: true);
    }

    private static Process Run(string program, IEnumerable<string> arguments, string? socket)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // A passphrase must not be asked for: nobody may be there to answer, and a question on the terminal would spoil the build's output.
        start.Environment["SSH_ASKPASS_REQUIRE"] = "force";
        start.Environment["SSH_ASKPASS"] = "/bin/false";
        if (socket is not null)
        {
            start.Environment["SSH_AUTH_SOCK"] = socket;
        }

        try
        {
            Process process = Process.Start(start) ?? throw new IOException($"{program} did not start.");
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{program} of OpenSSH is needed for key files and cannot be started ({e.Message}). Install it, or name an agent's socket.", e);
        }
    }

    private void Add(string key)
    {
        using Process add = Run("ssh-add", ["-q", "--", key], SocketPath);
        Task<string> error = add.StandardError.ReadToEndAsync();
        add.StandardOutput.ReadToEnd();
        if (!add.WaitForExit(Patience))
        {
            add.Kill();
        }

        if (add.ExitCode != 0)
        {
            string reason = error.GetAwaiter().GetResult().Trim();
            throw new IOException(
                $"The SSH key '{key}' cannot be used: {(reason.Length > 0 ? reason : "it has a passphrase; add it to an agent and name the agent's socket")}.");
        }
    }
}
