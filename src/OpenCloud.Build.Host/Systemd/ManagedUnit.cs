using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Host.Systemd;

/// <summary>A unit in the system's service manager (User is null) or a user's. A missing user or manager has no such unit.</summary>
internal sealed record ManagedUnit(string Name, string? User)
{
    public bool CanBeAsked => User is null ? Systemctl.IsRunning : Manager is { IsRunning: true };

    public bool IsActive => Try("is-active", "--quiet", "--", Name) is { ExitCode: 0 };

    public bool IsEnabled => Try("is-enabled", "--quiet", "--", Name) is { ExitCode: 0 };

    /// <summary>Its state in a word: active, failed, activating.</summary>
    public string State => Try("show", "--property", "ActiveState", "--value", "--", Name)?.Output.Trim() ?? string.Empty;

    public string LogCommand => User is null ? $"See 'journalctl -u {Name}'." : Manager?.LogCommand(Name) ?? "See journalctl.";

    public string LastLines => User is null ? Systemctl.LastLines(Name) : Manager?.LastLines(Name) ?? string.Empty;

    private UserManager Needed => new(ActingUser.Required(User!));

    private UserManager? Manager => User is not null && AccountDatabase.FindUser(User) is { } account ? new UserManager(account) : null;

    public void Reload() => Try("daemon-reload");

    public void Enable()
    {
        if (User is null)
        {
            Systemctl.Enable(Name);
        }
        else
        {
            Needed.Require(["enable", "--quiet", "--", Name]);
        }
    }

    public void TryDisable() => Try("disable", "--quiet", "--", Name);

    /// <summary>Restarts the unit; returns when it reports readiness.</summary>
    /// <exception cref="HostException">It did not start; the message carries its last lines.</exception>
    public void Restart(CancellationToken cancellationToken = default)
    {
        if (User is null)
        {
            Systemctl.Restart(Name, cancellationToken);
        }
        else
        {
            UserManager manager = Needed;
            manager.Run(["reset-failed", "--", Name], cancellationToken);
            manager.Require(["restart", "--", Name], cancellationToken);
        }
    }

    public void TryStop()
    {
        Try("stop", "--", Name);
        Try("reset-failed", "--", Name);
    }

    private CommandResult? Try(params string[] arguments)
        => User is not null ? Manager?.Run(arguments) : Systemctl.IsRunning ? HostCommand.Run("systemctl", arguments) : null;
}
