using System.Text.Json;
using System.Text.Json.Serialization;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// The record of one change, written before the change is made. It holds everything a later process needs to undo the change.
/// Undoing a change that was never made, or was undone already, does nothing.
/// </summary>
[JsonDerivedType(typeof(FileWritten), "file")]
[JsonDerivedType(typeof(DirectoryCreated), "directory")]
[JsonDerivedType(typeof(GroupCreated), "group")]
[JsonDerivedType(typeof(PackagesInstalled), "packages")]
[JsonDerivedType(typeof(UnitEnabled), "enabled")]
[JsonDerivedType(typeof(UnitStarted), "started")]
[JsonDerivedType(typeof(ServiceRestored), "restored")]
[JsonDerivedType(typeof(Changes.CniResults), "cni")]
[JsonDerivedType(typeof(Changes.TextWritten), "text")]
[JsonDerivedType(typeof(Changes.FolderCreated), "folder")]
[JsonDerivedType(typeof(Changes.PrerequisiteInstalled), "prerequisite")]
[JsonDerivedType(typeof(Changes.UserCreated), "user")]
[JsonDerivedType(typeof(Changes.SubordinateIdsAdded), "subordinate")]
[JsonDerivedType(typeof(Changes.LingerEnabled), "linger")]
[JsonDerivedType(typeof(Changes.ProfileLoaded), "profile")]
[JsonDerivedType(typeof(Changes.EngineStateCreated), "state")]
[JsonDerivedType(typeof(Changes.RootlessUnitEnabled), "rootless-enabled")]
[JsonDerivedType(typeof(Changes.RootlessUnitStarted), "rootless-started")]
[JsonDerivedType(typeof(Changes.RootlessUnitRestored), "rootless-restored")]
internal abstract record HostChange(string Target)
{
    /// <summary>The changed object. A record without a target is invalid.</summary>
    public string Target { get; init; } = string.IsNullOrEmpty(Target) ? throw new JsonException("a change has no target.") : Target;

    /// <summary>The change stays when BuildKit is uninstalled without purging: others may use it, or it holds a user's work.</summary>
    public bool KeepWithoutPurge { get; init; }

    /// <summary>Undoes the change.</summary>
    /// <param name="report">Receives what was left alone, and why.</param>
    public abstract void Undo(Action<string> report);

    /// <summary>Combines two changes of the same target into one record that restores the state before the first.</summary>
    public virtual HostChange Merge(HostChange later) => this;
}

/// <summary>A file was written or replaced. Backup is the kept copy of the replaced file; null when there was none.</summary>
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

        if (Systemctl.IsUnitFile(Target))
        {
            Systemctl.TryReload();
        }
    }

    public override HostChange Merge(HostChange later) => later is FileWritten file ? this with { Sha256 = file.Sha256 } : this;
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

/// <summary>A group was created.</summary>
internal sealed record GroupCreated(string Target) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (Accounts.AccountDatabase.FindGroup(Target) is null)
        {
            return;
        }

        // A service whose supplementary group is missing no longer starts (216/GROUP).
        foreach (string unit in Systemd.ServiceGrant.UnitsWith(Target))
        {
            Systemd.ServiceGrant.Remove(unit, Target);
            report($"{unit} is no longer a member of the group '{Target}'; restart it.");
        }

        HostCommand.Require("groupdel", ["--", Target]);
    }
}

/// <summary>
/// Packages were installed. AbsentBefore has the directories that their programs create and that did not exist before. Added is null while
/// the installation runs, then the difference to the packages before.
/// </summary>
internal sealed record PackagesInstalled(
    string Target,
    IReadOnlyList<string> Before,
    IReadOnlyList<string> AbsentBefore,
    IReadOnlyList<string>? Added) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        Containerd.ContainerdAccess.Close(dropGroup: true);
        if (Added is null)
        {
            Packages.Repair();
        }

        string[] added = (Added ?? Packages.Present().Except(Before)).Intersect(Packages.Known()).ToArray();
        if (added.Length > 0)
        {
            Packages.Purge(added);
        }

        foreach (string? directory in AbsentBefore.Where(Directory.Exists))
        {
            // Configuration that somebody added later does not belong to containerd and stays.
            bool state = directory.StartsWith("/var/", StringComparison.Ordinal) || directory.StartsWith("/run/", StringComparison.Ordinal);
            if (state || !Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Any())
            {
                TreeRemoval.Remove(directory);
            }
            else
            {
                report($"'{directory}' contains files of other software and is kept.");
            }
        }
    }
}

/// <summary>A unit was enabled.</summary>
internal sealed record UnitEnabled(string Target) : HostChange(Target)
{
    public override void Undo(Action<string> report) => Systemctl.TryDisable(Target);
}

/// <summary>A stopped unit was started.</summary>
internal sealed record UnitStarted(string Target) : HostChange(Target)
{
    public override void Undo(Action<string> report) => Systemctl.TryStop(Target);
}

/// <summary>
/// Units ran before their files were replaced. Recorded first, so it is undone last, when the old files are restored: it
/// then restarts the units from those.
/// </summary>
internal sealed record ServiceRestored(string Target, string Socket) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        Systemctl.TryReload();
        Systemctl.TryStop(Target);
        Systemctl.Restart(Socket);
        Systemctl.Restart(Target);
    }
}
