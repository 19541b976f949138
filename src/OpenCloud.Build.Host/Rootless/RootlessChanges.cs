using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>A text was written, as a user or as the caller.</summary>
/// <param name="Target">Its path.</param>
/// <param name="Sha256">What was written.</param>
/// <param name="Prior">The text that was there before, this module's own; null when there was none.</param>
/// <param name="User">As whom; null for the caller.</param>
internal sealed record TextWritten(string Target, string Sha256, string? Prior, string? User) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (User is not null && AccountDatabase.FindUser(User) is null && FileStatus.Read(Target) is null)
        {
            // It went with its user.
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
                tell($"'{Target}' was changed since and is kept.");
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
            new RootlessUnit(Path.GetFileName(Target), User).Reload();
        }
    }

    /// <inheritdoc/>
    public override HostChange Merge(HostChange later) => later is TextWritten text ? this with { Sha256 = text.Sha256 } : this;
}

/// <summary>A folder was made, as a user or as the caller.</summary>
/// <param name="Target">Its path.</param>
/// <param name="User">As whom; null for the caller.</param>
internal sealed record FolderCreated(string Target, string? User) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (User is null || AccountDatabase.FindUser(User) is not null || FileStatus.Read(Target) is not null)
        {
            ActingUser.Run(User, () => ChangeJournal.RemoveStateIfEmpty(Target));
        }
    }
}

/// <summary>A package was installed.</summary>
/// <param name="Target">The package asked for.</param>
/// <param name="Before">Every package that was installed before.</param>
/// <param name="Added">What came, once it is known; null while the installation runs.</param>
internal sealed record PrerequisiteInstalled(string Target, IReadOnlyList<string> Before, IReadOnlyList<string>? Added) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        string[] added = (Added ?? Packages.Installed().Except(Before)).Intersect(Packages.Known()).ToArray();
        if (added.Length > 0)
        {
            Packages.Purge(added);
        }
    }
}

/// <summary>A user was made.</summary>
/// <param name="Target">Its name.</param>
/// <param name="Home">Its home.</param>
/// <param name="HomeWasThere">The home was there before.</param>
internal sealed record UserCreated(string Target, string Home, bool HomeWasThere) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (AccountDatabase.FindUser(Target) is not { } user)
        {
            return;
        }

        EndProcesses(user);
        HostCommand.Require("userdel", ["--", Target]);
        if (!HomeWasThere && user.Home == Home && !TreeRemoval.Remove(Home, home => home.Uid == user.Uid))
        {
            tell($"'{Home}' is not {Target}'s and is kept.");
        }
    }

    /// <summary>Ends everything of a user, and returns when it has ended: userdel and usermod refuse while a process of the user's runs.</summary>
    public static void EndProcesses(UserAccount user)
        => Systemctl.TryStop(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"user-{user.Uid}.slice"));
}

/// <summary>A user was given subordinate ids.</summary>
/// <param name="Target">The file: /etc/subuid or /etc/subgid.</param>
/// <param name="User">The user.</param>
/// <param name="Range">The ids, as first-last.</param>
/// <param name="UserIsOurs">The user was made by this module, and does nothing but build.</param>
internal sealed record SubordinateIdsAdded(string Target, string User, string Range, bool UserIsOurs) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
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

/// <summary>A user's service manager was made to run from boot on.</summary>
internal sealed record LingerEnabled(string Target) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        CommandResult result = HostCommand.Run("loginctl", ["disable-linger", Target]);
        if (result.ExitCode != 0 && File.Exists($"/var/lib/systemd/linger/{Target}"))
        {
            tell($"{Target} still lingers: {result.Tail(1)}");
        }
        else if (Identity.Current().Uid == 0 && AccountDatabase.FindUser(Target) is { } user &&
            HostCommand.Run("loginctl", ["show-user", "--property", "Sessions", "--value", Target]).Output.Trim().Length == 0)
        {
            // It ends by itself some seconds later; what comes next needs that no process of the user's runs. One that does not answer would
            // not end either, and systemd waits two minutes for it.
            string unit = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"user@{user.Uid}.service");
            if (new UserManager(user).IsSilent)
            {
                HostCommand.Run("systemctl", ["kill", "--signal=KILL", "--", unit]);
            }

            Systemctl.TryStop(unit);
        }
    }
}

/// <summary>A profile was loaded into the kernel. Written down after its file, so that it is unloaded before that goes.</summary>
internal sealed record ProfileLoaded(string Target) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (File.Exists(Target) && HostCommand.Find("apparmor_parser") is not null)
        {
            // It complains where the kernel has none of it, which is what is wanted.
            HostCommand.Run("apparmor_parser", ["--remove", Target]);
        }

        AppArmorProfile.DropCompiled(Target);
    }
}

/// <summary>
/// The engine's state appeared. What builds leave there belongs to subordinate ids, which its user cannot remove: that takes
/// root, or the same user namespace.
/// </summary>
/// <param name="Target">Where it is.</param>
/// <param name="RootlessKit">The program that makes the user namespace.</param>
/// <param name="User">Whose it is.</param>
internal sealed record EngineStateCreated(string Target, string RootlessKit, string User) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (FileStatus.Read(Target) is null)
        {
            return;
        }

        UserAccount user = ActingUser.Required(User);
        if (Identity.Current().Uid != 0 && Directory.EnumerateFileSystemEntries(Target).Any())
        {
            // Host network: only the mapping of ids is wanted.
            HostCommand.Require(RootlessKit, ["rm", "-rf", "--", Target]);
        }

        // Looked at when it is open: a folder on the way that was made a link since leads to what is not the engine's.
        if (!TreeRemoval.Remove(Target, state => state.Uid == user.Uid))
        {
            tell($"'{Target}' is not {User}'s and is kept.");
        }
    }
}

/// <summary>The engine's unit was enabled.</summary>
/// <param name="Target">The unit.</param>
/// <param name="User">Whose manager has it; null for the system's.</param>
internal sealed record RootlessUnitEnabled(string Target, string? User) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell) => new RootlessUnit(Target, User).TryDisable();
}

/// <summary>The engine's unit was started.</summary>
/// <param name="Target">The unit.</param>
/// <param name="User">Whose manager has it; null for the system's.</param>
internal sealed record RootlessUnitStarted(string Target, string? User) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell) => new RootlessUnit(Target, User).TryStop();
}

/// <summary>The engine ran before its files were replaced: taken back last, it is started anew from the old ones.</summary>
/// <param name="Target">The unit.</param>
/// <param name="User">Whose manager has it; null for the system's.</param>
internal sealed record RootlessUnitRestored(string Target, string? User) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        RootlessUnit unit = new(Target, User);
        unit.Reload();
        unit.Restart();
    }
}
