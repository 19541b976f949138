using System.Diagnostics;
using System.Net.Sockets;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Session;

/// <summary>
/// OpenSSH's agent, started for one build with the keys of some files, so that OpenSSH itself reads keys and signs. Its socket is in a directory
/// that only this user may enter; it ends with the build.
/// </summary>
internal sealed class PrivateSshAgent : IDisposable
{
    private const int MostOutput = 64 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder;
    private readonly RunningProgram _program;

    private PrivateSshAgent(DirectoryInfo folder, RunningProgram program)
    {
        _folder = folder;
        _program = program;
    }

    public string SocketPath => Path.Combine(_folder.FullName, "agent");

    /// <summary>Starts an agent and gives it keys.</summary>
    /// <exception cref="IOException">OpenSSH is missing, or a key cannot be used; a key with a passphrase cannot.</exception>
    public static PrivateSshAgent Start(IReadOnlyList<string> keys)
    {
        // Created with mode 0700.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ocb-ssh-");
        RunningProgram? program = null;
        try
        {
            string socket = Path.Combine(folder.FullName, "agent");
            program = RunningProgram.Start(CommandOf("ssh-agent", ["-D", "-a", socket], null), static _ => { });
            for (long start = Stopwatch.GetTimestamp(); !Listens(socket); Thread.Sleep(5))
            {
                if (program.Ended.IsCompleted || Stopwatch.GetElapsedTime(start) > Patience)
                {
                    throw new IOException("ssh-agent, which provides key files to a build, did not start.");
                }
            }

            PrivateSshAgent agent = new(folder, program);
            foreach (string key in keys)
            {
                agent.Add(key);
            }

            return agent;
        }
        catch
        {
            End(program, folder);
            throw;
        }
    }

    public void Dispose() => End(_program, _folder);

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

    private static void End(RunningProgram? program, DirectoryInfo folder)
    {
        program?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        TreeRemoval.Remove(folder.FullName);
    }

    private static ProgramCommand CommandOf(string program, IReadOnlyList<string> arguments, string? socket)
    {
        string path = ProgramFinder.OnPath(program)
            ?? throw new IOException($"Key files require {program} of OpenSSH, which was not found in PATH.{ProgramFinder.Hint(program)} Install it, or use the socket of an SSH agent.");
        Dictionary<string, string> environment = ProgramEnvironment.Inherited();

        // There must be no prompt for a passphrase: nobody may be there to answer, and it would spoil the build's output on the terminal.
        environment["SSH_ASKPASS_REQUIRE"] = "force";
        environment["SSH_ASKPASS"] = "/bin/false";
        if (socket is not null)
        {
            environment["SSH_AUTH_SOCK"] = socket;
        }

        return new ProgramCommand(path, arguments, environment) { OutputLimit = MostOutput, Timeout = Patience };
    }

    private void Add(string key)
    {
        ProgramResult added;
        try
        {
            added = ProgramRunner.Run(CommandOf("ssh-add", ["-q", "--", key], SocketPath));
        }
        catch (TimeoutException)
        {
            throw new IOException($"The SSH key '{key}' cannot be used: ssh-add did not end within {Patience.TotalSeconds} s.");
        }

        if (added.ExitCode != 0)
        {
            string reason = added.Error.Trim();
            throw new IOException(
                $"The SSH key '{key}' cannot be used: {(reason.Length > 0 ? reason : "it has a passphrase; add it to an SSH agent and use the socket of the agent")}.");
        }
    }
}
