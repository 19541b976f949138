using System.Collections.Concurrent;
using System.Globalization;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Host.Systemd;

/// <summary>
/// A user's service manager, called as that user over its private socket. No session is needed, only a running manager, which
/// lingering keeps. Root becomes the user with setpriv(1), which opens no session either.
/// </summary>
/// <remarks>
/// The manager is the user's own process: the user can stop it, or have it read a unit that never ends. Root holds the host's lock
/// meanwhile, so it waits a limited time for an answer, and a much shorter time after one timeout.
/// </remarks>
internal sealed class UserManager(UserAccount user)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan JobTimeout = TimeSpan.FromSeconds(100);
    private static readonly TimeSpan SilentTimeout = TimeSpan.FromSeconds(3);
    private static readonly ConcurrentDictionary<uint, bool> Silent = new();

    /// <summary>Whether the manager did not answer in time on the last call.</summary>
    public bool IsSilent => Silent.ContainsKey(user.Uid);

    public bool IsRunning => Run(["show", "--property", "Version"]).ExitCode == 0;

    /// <summary>Whether the manager runs without a session, from boot on (loginctl(1)).</summary>
    public bool Lingers => File.Exists($"/var/lib/systemd/linger/{user.Name}");

    /// <summary>Runs a program as the user, with the user's runtime directory.</summary>
    public CommandResult As(string program, IReadOnlyList<string> arguments, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        // No variables of root's environment: the engine's user can read them in /proc, and started programs inherit them.
        Dictionary<string, string> environment = ProgramEnvironment.Of(user.Name, user.Home, RuntimeDirectoryOf(user.Uid));
        if (Identity.Current().Uid == user.Uid)
        {
            return HostCommand.RunWith(program, arguments, environment, cancellationToken, timeout);
        }

        string[] become =
        [
            "--reuid", user.Uid.ToString(CultureInfo.InvariantCulture), "--regid", user.Gid.ToString(CultureInfo.InvariantCulture), "--init-groups", "--", HostCommand.Find(program) ?? program,
        ];
        return HostCommand.RunWith("setpriv", [.. become, .. arguments], environment, cancellationToken, timeout);
    }

    public CommandResult Run(IReadOnlyList<string> arguments, CancellationToken cancellationToken = default)
    {
        // A job may take longer, provided that the manager answers.
        bool isJob = arguments[0] is "start" or "restart" or "stop";
        if (isJob && AskWithin(AnswerTimeout, ["show", "--property", "Version"], cancellationToken) is { ExitCode: HostCommand.TookTooLong } silent)
        {
            return silent;
        }

        return AskWithin(isJob ? JobTimeout : AnswerTimeout, arguments, cancellationToken);
    }

    private CommandResult AskWithin(TimeSpan timeout, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        CommandResult result = As("systemctl", ["--user", "--no-pager", .. arguments], IsSilent ? SilentTimeout : timeout, cancellationToken);
        if (result.ExitCode != HostCommand.TookTooLong)
        {
            Silent.TryRemove(user.Uid, out _);
            return result;
        }

        Silent[user.Uid] = true;
        return result with { Error = $"the service manager of {user.Name} does not answer" };
    }

    /// <summary>A user's runtime directory (pam_systemd(8)).</summary>
    public static string RuntimeDirectoryOf(uint uid) => string.Create(CultureInfo.InvariantCulture, $"/run/user/{uid}");

    /// <exception cref="HostException">The command failed.</exception>
    public void Require(IReadOnlyList<string> arguments, CancellationToken cancellationToken = default)
    {
        CommandResult result = Run(arguments, cancellationToken);
        if (result.ExitCode != 0)
        {
            throw new HostException(
                HostErrorKind.EngineSilent,
                $"'systemctl --user {string.Join(' ', arguments)}' of {user.Name} ended with {result.ExitCode}: {result.Tail(2)}\n{LastLines(arguments[^1])}".TrimEnd(),
                LogCommand(arguments[^1]),
                arguments[^1]);
        }
    }

    /// <summary>Starts the manager's unit as root and waits until the manager runs.</summary>
    public void Start(CancellationToken cancellationToken)
        => Systemctl.Start(string.Create(CultureInfo.InvariantCulture, $"user@{user.Uid}.service"), cancellationToken);

    public string LastLines(string unit, int lines = 8)
    {
        string count = lines.ToString(CultureInfo.InvariantCulture);
        string[] which = Identity.Current().Uid == 0
            ? [$"_SYSTEMD_USER_UNIT={unit}", $"_UID={user.Uid.ToString(CultureInfo.InvariantCulture)}"]
            : ["--user-unit", unit];
        return HostCommand.Run("journalctl", ["--no-pager", "--quiet", "--output", "cat", "--lines", count, .. which]).Output.Trim();
    }

    public string LogCommand(string unit) => Identity.Current().Uid == 0
        ? $"See 'journalctl _SYSTEMD_USER_UNIT={unit} _UID={user.Uid.ToString(CultureInfo.InvariantCulture)}'."
        : $"See 'journalctl --user-unit {unit}'.";
}
