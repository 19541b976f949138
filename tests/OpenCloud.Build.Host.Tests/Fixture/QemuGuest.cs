using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>
/// A fresh Debian or Ubuntu virtual machine with a kernel of its own, for what must not be tried on this machine's or what that
/// has not: AF_VSOCK, Ubuntu's AppArmor. Emulated, so some ten times slower than the systemd hosts.
/// </summary>
internal sealed class QemuGuest : ITestHost
{
    private static readonly ConcurrentDictionary<string, Lazy<CommandResult>> Images = new();

    private static readonly TimeSpan BootPatience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CommandPatience = TimeSpan.FromMinutes(8);
    private static int _count;

    private readonly string _name;
    private readonly string _share;
    private Socket? _socket;
    private StreamReader? _agent;

    private QemuGuest(string name, string share)
    {
        _name = name;
        _share = share;
    }

    /// <inheritdoc/>
    public string Share => Path.Combine(_share, "share");

    /// <summary>The guest's vsock, as a unix socket of this machine.</summary>
    public string VsockPath => $"/run/opencloud-build-guest-{_name}/vm.sock";

    private static string DotnetRoot => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    /// <summary>Boots one with files in <c>/ocb/share</c>, or skips the test with the reason why there can be none.</summary>
    /// <param name="fill">Puts them there.</param>
    /// <param name="suite">Its distribution: bookworm, or noble with Ubuntu's own kernel.</param>
    public static QemuGuest Boot(Action<ITestHost> fill, string suite = "bookworm")
    {
        Images.GetOrAdd(suite, static suite => new(() => Script("image", DotnetRoot, suite))).Value.Require();
        string id = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref _count)}");
        QemuGuest guest = new(id, Directory.CreateTempSubdirectory("ocb-guest-").FullName);
        try
        {
            Directory.CreateDirectory(guest.Share);
            fill(guest);
            CopyTo(RepositoryPaths.Driver, Path.Combine(guest._share, "driver"));
            CommandResult up = Script("up", id, guest._share, suite);
            if (up.ExitCode != 0)
            {
                throw new InvalidOperationException(up.Error);
            }

            guest._socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            guest._socket.Connect(new UnixDomainSocketEndPoint($"/run/opencloud-build-guest-{id}/agent.sock"));
            guest._agent = new StreamReader(new NetworkStream(guest._socket), Encoding.ASCII);
            guest.WaitUntilReady();
            return guest;
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }

    /// <summary>Runs a shell script as root; it must succeed.</summary>
    public string Shell(string script)
    {
        (int code, string? output) = TryShell(script);
        return code == 0 ? output : throw new InvalidOperationException($"{script}: {code}\n{output}");
    }

    /// <summary>Runs a shell script as root.</summary>
    public (int Code, string Output) TryShell(string script)
    {
        Stopwatch clock = Stopwatch.StartNew();
        Send(script);
        string[] words = ReadLine(CommandPatience).Split(' ');
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds,6:0.0} s: {script.ReplaceLineEndings(" ")[..Math.Min(script.Length, 160)]}"));
        return words is ["DONE", var code, var output]
            ? (int.Parse(code, CultureInfo.InvariantCulture), Encoding.UTF8.GetString(Convert.FromBase64String(output)))
            : throw new InvalidOperationException($"The guest's agent says '{string.Join(' ', words)}'.");
    }

    /// <summary>Runs the driver as root.</summary>
    public DriverAnswer Driver(params string[] arguments) => DriverBy(string.Empty, arguments);

    /// <summary>Runs the driver as a user whose service manager runs.</summary>
    public DriverAnswer DriverAs(string user, params string[] arguments)
        => DriverBy($"cd /; runuser -u {user} -- env HOME=/home/{user} XDG_RUNTIME_DIR=/run/user/$(id -u {user}) ", arguments);

    /// <summary>Runs the driver out here, on this machine.</summary>
    public static DriverAnswer DriverOutside(params string[] arguments)
        => DriverAnswer.Of(Command.Run(new ProcessStartInfo($"{DotnetRoot}/dotnet", [Path.Combine(RepositoryPaths.Driver, "OpenCloud.Build.HostDriver.dll"), .. arguments])));

    /// <summary>Reboots it through its own systemd.</summary>
    public void Reboot()
    {
        // The agent may be ended before it has answered.
        Send("systemctl --no-block reboot");
        WaitUntilReady();
    }

    public void Dispose()
    {
        _agent?.Dispose();
        _socket?.Dispose();
        Script("down", _name);
        Directory.Delete(_share, recursive: true);
    }

    private DriverAnswer DriverBy(string command, string[] arguments)
    {
        (int code, string? output) = TryShell($"{command}{DotnetRoot}/dotnet /ocb/driver/OpenCloud.Build.HostDriver.dll {string.Join(' ', arguments.Select(static one => $"'{one}'"))}");
        return DriverAnswer.Of(new CommandResult(code, output, string.Empty));
    }

    private void Send(string script) => _socket!.Send(Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(script)) + "\n"));

    private void WaitUntilReady()
    {
        while (ReadLine(BootPatience) != "READY")
        {
            // What it had to say before.
        }

        Shell("systemctl is-system-running --wait || :");
    }

    private string ReadLine(TimeSpan patience)
    {
        using CancellationTokenSource limit = new(patience);
        try
        {
            return _agent!.ReadLineAsync(limit.Token).AsTask().GetAwaiter().GetResult() ?? throw new InvalidOperationException($"The guest is gone. {Console()}");
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The guest did not answer within {patience}. {Console()}");
        }
    }

    private string Console()
    {
        string path = $"/run/opencloud-build-guest-{_name}/console.log";
        return File.Exists(path) ? string.Join('\n', File.ReadLines(path).TakeLast(20)) : string.Empty;
    }

    private static void CopyTo(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    private static CommandResult Script(params string[] arguments) => FixtureScript.Run("guest-bed", arguments);
}
