using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

internal sealed record GroupCreated(string Target) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (AccountDatabase.FindGroup(Target) is null)
        {
            return;
        }

        // A service whose supplementary group is missing no longer starts (216/GROUP).
        foreach (string unit in ServiceGrant.UnitsWith(Target))
        {
            ServiceGrant.Remove(unit, Target);
            report($"{unit} is no longer a member of the group '{Target}'; restart it.");
        }

        HostCommand.Require("groupdel", ["--", Target]);
    }
}

internal sealed record UserCreated(string Target, string Home, bool HomeWasThere) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (AccountDatabase.FindUser(Target) is not { } user)
        {
            return;
        }

        EndProcesses(user);
        HostCommand.Require("userdel", ["--", Target]);
        if (!HomeWasThere && user.Home == Home && !TreeRemoval.Remove(Home, home => home.Uid == user.Uid))
        {
            report($"'{Home}' does not belong to {Target} and is kept.");
        }
    }

    /// <summary>Ends all processes of a user and waits for their end: userdel and usermod refuse while a process of the user runs.</summary>
    public static void EndProcesses(UserAccount user)
        => Systemctl.TryStop(string.Create(CultureInfo.InvariantCulture, $"user-{user.Uid}.slice"));
}

/// <summary>
/// A user was given subordinate ids, as a range first-last in /etc/subuid or /etc/subgid. UserIsOurs: this module created the user, which
/// does nothing but build.
/// </summary>
internal sealed record SubordinateIdsAdded(string Target, string User, string Range, bool UserIsOurs) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        IReadOnlyList<SubordinateRange> there = SubordinateIds.Parse(BoundedFile.TryReadText(Target, followLink: true));
        if (there.Any(range => range.Owner == User && range.ToString() == Range) && AccountDatabase.FindUser(User) is { } user)
        {
            if (UserIsOurs)
            {
                UserCreated.EndProcesses(user);
            }

            HostCommand.Require("usermod", [Target.EndsWith("subuid", StringComparison.Ordinal) ? "--del-subuids" : "--del-subgids", Range, User]);
        }
    }
}

/// <summary>Lingering was enabled: the user's service manager runs from boot on.</summary>
internal sealed record LingerEnabled(string Target) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        CommandResult result = HostCommand.Run("loginctl", ["disable-linger", Target]);
        if (result.ExitCode != 0 && File.Exists($"/var/lib/systemd/linger/{Target}"))
        {
            report($"Lingering of {Target} is still enabled: {result.Tail(1)}");
        }
        else if (Identity.Current().Uid == 0 && AccountDatabase.FindUser(Target) is { } user &&
            HostCommand.Run("loginctl", ["show-user", "--property", "Sessions", "--value", Target]).Output.Trim().Length == 0)
        {
            // The manager ends by itself after some seconds, but the next change requires that no process of the user runs. A hung
            // manager would not end at all, and systemd waits two minutes for it.
            string unit = string.Create(CultureInfo.InvariantCulture, $"user@{user.Uid}.service");
            if (new UserManager(user).IsSilent)
            {
                HostCommand.Run("systemctl", ["kill", "--signal=KILL", "--", unit]);
            }

            Systemctl.TryStop(unit);
        }
    }
}
