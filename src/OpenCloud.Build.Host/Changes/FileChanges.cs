using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>A program was installed or replaced. Backup is the kept copy of the replaced one; null when there was none.</summary>
internal sealed record FileWritten(string Target, string Sha256, string? Backup, string? BackupSha256) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        string? now = FileHash.Of(Target);
        if (now is not null && now != Sha256 && now != BackupSha256)
        {
            report($"'{Target}' was edited and is kept.");
            return;
        }

        if (Backup is not null && File.Exists(Backup))
        {
            File.Move(Backup, Target, overwrite: true);
        }
        else if (Backup is null && now == Sha256)
        {
            WholeFile.Remove(Target);
        }
    }

    public override HostChange Merge(HostChange later) => later is FileWritten file ? this with { Sha256 = file.Sha256 } : this;
}

/// <summary>
/// A text was written. User is null for the caller; Prior is the text that was there, null when there was none. IsProgram: it can be executed.
/// </summary>
internal sealed record TextWritten(string Target, string Sha256, string? Prior, string? User, bool IsProgram = false) : HostChange(Target)
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
                WholeFile.Write(Target, Prior, IsProgram ? FileModes.Executable : FileModes.Readable);
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

/// <summary>A directory was created. WithContent: it is removed with its content, because nobody else writes to it.</summary>
internal sealed record DirectoryCreated(string Target, bool WithContent) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (WithContent)
        {
            TreeRemoval.Remove(Target);
        }
        else if (!TreeRemoval.RemoveIfEmpty(Target) && Directory.Exists(Target))
        {
            report($"'{Target}' is not empty and is kept.");
        }
    }
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
