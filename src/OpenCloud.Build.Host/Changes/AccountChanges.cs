using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>A text was written. User is null for the caller; Prior is this module's own earlier text, null when there was none.</summary>
internal sealed record TextWritten(string Target, string Sha256, string? Prior, string? User) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (User is not null && AccountDatabase.FindUser(User) is null && FileStatus.Read(Target) is null)
        {
            // The file was removed together with its user.
            return;
        }

        ActingUser.Run(User, () =>
        {
            string? now = FileHash.Of(Target);
            if (now is null || (Prior is not null && now == FileHash.OfText(Prior)))
            {
                return;
            }

            if (now != Sha256)
            {
                report($"'{Target}' was edited and is kept.");
            }
            else if (Prior is null)
            {
                WholeFile.Remove(Target);
            }
            else
            {
                WholeFile.Write(Target, Prior, RootlessSteps.Readable);
            }
        });
        if (Systemctl.IsUnitFile(Target))
        {
            Systemctl.TryReload();
        }
        else if (User is not null && Target.Contains("/systemd/user/", StringComparison.Ordinal))
        {
            new ManagedUnit(Path.GetFileName(Target), User).Reload();
        }
    }

    public override HostChange Merge(HostChange later) => later is TextWritten text ? this with { Sha256 = text.Sha256 } : this;
}

/// <summary>A folder was created as a user, or as the caller when User is null.</summary>
internal sealed record FolderCreated(string Target, string? User) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (User is null || AccountDatabase.FindUser(User) is not null || FileStatus.Read(Target) is not null)
        {
            ActingUser.Run(User, () => ChangeJournal.RemoveStateIfEmpty(Target));
        }
    }
}

/// <summary>A package was installed. Added is null while the installation runs, then the packages that it brought.</summary>
internal sealed record PrerequisiteInstalled(string Target, IReadOnlyList<string> Before, IReadOnlyList<string>? Added) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        string[] added = (Added ?? Packages.Installed().Except(Before)).Intersect(Packages.Known()).ToArray();
        if (added.Length > 0)
        {
            Packages.Purge(added);
        }
    }
}

/// <summary>A user was created.</summary>
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
        => Systemctl.TryStop(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"user-{user.Uid}.slice"));
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
            string unit = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"user@{user.Uid}.service");
            if (new UserManager(user).IsSilent)
            {
                HostCommand.Run("systemctl", ["kill", "--signal=KILL", "--", unit]);
            }

            Systemctl.TryStop(unit);
        }
    }
}

/// <summary>A profile was loaded into the kernel. Recorded after its file, so it is unloaded before the file is removed.</summary>
internal sealed record ProfileLoaded(string Target) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (File.Exists(Target) && HostCommand.Find("apparmor_parser") is not null)
        {
            // The command fails when the kernel has no such profile, which is the wanted state.
            HostCommand.Run("apparmor_parser", ["--remove", Target]);
        }

        AppArmorProfile.DropCompiled(Target);
    }
}

/// <summary>
/// The engine's state appeared. Files that builds leave there belong to subordinate ids, and the user cannot remove them: that
/// requires root or the same user namespace.
/// </summary>
internal sealed record EngineStateCreated(string Target, string RootlessKit, string User) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (FileStatus.Read(Target) is null)
        {
            return;
        }

        UserAccount user = ActingUser.Required(User);
        if (Identity.Current().Uid != 0 && Directory.EnumerateFileSystemEntries(Target).Any())
        {
            // Host network: only the id mapping is needed.
            HostCommand.Require(RootlessKit, ["rm", "-rf", "--", Target]);
        }

        // Checked on the open folder: a parent that was replaced by a link leads to a folder that is not the engine's.
        if (!TreeRemoval.Remove(Target, state => state.Uid == user.Uid))
        {
            report($"'{Target}' does not belong to {User} and is kept.");
        }
    }
}

/// <summary>The engine's unit was enabled. User is null for the system's manager.</summary>
internal sealed record RootlessUnitEnabled(string Target, string? User) : HostChange(Target)
{
    public override void Undo(Action<string> report) => new ManagedUnit(Target, User).TryDisable();
}

/// <summary>The engine's unit was started. User is null for the system's manager.</summary>
internal sealed record RootlessUnitStarted(string Target, string? User) : HostChange(Target)
{
    public override void Undo(Action<string> report) => new ManagedUnit(Target, User).TryStop();
}

/// <summary>The engine ran before its files were replaced. Undone last: it restarts the engine from the old files.</summary>
internal sealed record RootlessUnitRestored(string Target, string? User) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        ManagedUnit unit = new(Target, User);
        unit.Reload();
        unit.Restart();
    }
}
