using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>The unit of a rootless engine, whichever manager has it.</summary>
/// <param name="Name">The unit.</param>
/// <param name="User">Whose manager has it; null for the system's.</param>
internal sealed record RootlessUnit(string Name, string? User)
{
    private UserManager Needed => new(ActingUser.Required(User!));

    private UserManager? Manager => User is not null && AccountDatabase.FindUser(User) is { } account ? new UserManager(account) : null;

    /// <summary>Whether its manager can be asked.</summary>
    public bool CanBeAsked => User is null ? Systemctl.IsRunning : Manager is { IsRunning: true };

    /// <summary>Whether it is active.</summary>
    public bool IsActive => User is null ? Systemctl.IsActive(Name) : Manager?.IsActive(Name) == true;

    /// <summary>Whether it is enabled.</summary>
    public bool IsEnabled => User is null ? Systemctl.IsEnabled(Name) : Manager?.IsEnabled(Name) == true;

    /// <summary>Its state in a word: active, failed, activating.</summary>
    public string State => User is null ? Systemctl.Property(Name, "ActiveState") : Manager?.Property(Name, "ActiveState") ?? string.Empty;

    /// <summary>The command that shows what it wrote.</summary>
    public string LogCommand => User is null ? $"See 'journalctl -u {Name}'" : Manager?.LogCommand(Name) ?? "See journalctl";

    /// <summary>The last lines it wrote.</summary>
    public string LastLines => User is null ? Systemctl.LastLines(Name) : Manager?.LastLines(Name) ?? string.Empty;

    /// <summary>Its manager reads its files again.</summary>
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

    /// <summary>Enables it.</summary>
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

    /// <summary>Disables it if it is there.</summary>
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

    /// <summary>Starts it anew; returns when it said that it is ready.</summary>
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

    /// <summary>Stops it if it is there.</summary>
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
