using OpenCloud.Build.Host.Accounts;

namespace OpenCloud.Build.Host.Systemd;

/// <summary>The unit of a rootless engine, in the system's manager (User is null) or a user's.</summary>
internal sealed record ManagedUnit(string Name, string? User)
{
    private UserManager Needed => new(ActingUser.Required(User!));

    private UserManager? Manager => User is not null && AccountDatabase.FindUser(User) is { } account ? new UserManager(account) : null;

    /// <summary>Whether its manager can be asked.</summary>
    public bool CanBeAsked => User is null ? Systemctl.IsRunning : Manager is { IsRunning: true };

    public bool IsActive => User is null ? Systemctl.IsActive(Name) : Manager?.IsActive(Name) == true;

    public bool IsEnabled => User is null ? Systemctl.IsEnabled(Name) : Manager?.IsEnabled(Name) == true;

    /// <summary>Its state in a word: active, failed, activating.</summary>
    public string State => User is null ? Systemctl.Property(Name, "ActiveState") : Manager?.Property(Name, "ActiveState") ?? string.Empty;

    public string LogCommand => User is null ? $"See 'journalctl -u {Name}'" : Manager?.LogCommand(Name) ?? "See journalctl";

    public string LastLines => User is null ? Systemctl.LastLines(Name) : Manager?.LastLines(Name) ?? string.Empty;

    public void Reload()
    {
        if (User is null)
        {
            Systemctl.TryReload();
        }
        else
        {
            Manager?.Run(["daemon-reload"]);
        }
    }

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

    public void TryDisable()
    {
        if (User is null)
        {
            Systemctl.TryDisable(Name);
        }
        else
        {
            Manager?.Run(["disable", "--quiet", "--", Name]);
        }
    }

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
        if (User is null)
        {
            Systemctl.TryStop(Name);
        }
        else
        {
            Manager?.Run(["stop", "--", Name]);
            Manager?.Run(["reset-failed", "--", Name]);
        }
    }
}
