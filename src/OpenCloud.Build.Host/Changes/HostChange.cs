using System.Text.Json;
using System.Text.Json.Serialization;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// The record of one change, written down before the change is made and holding all that is needed to take it back, also by a
/// later process: taking back a change that was never made, or was taken back already, does nothing.
/// </summary>
[JsonDerivedType(typeof(FileWritten), "file")]
[JsonDerivedType(typeof(DirectoryCreated), "directory")]
[JsonDerivedType(typeof(GroupCreated), "group")]
[JsonDerivedType(typeof(PackagesInstalled), "packages")]
[JsonDerivedType(typeof(UnitEnabled), "enabled")]
[JsonDerivedType(typeof(UnitStarted), "started")]
[JsonDerivedType(typeof(ServiceRestored), "restored")]
[JsonDerivedType(typeof(Install.CniResults), "cni")]
[JsonDerivedType(typeof(Rootless.TextWritten), "text")]
[JsonDerivedType(typeof(Rootless.FolderCreated), "folder")]
[JsonDerivedType(typeof(Rootless.PrerequisiteInstalled), "prerequisite")]
[JsonDerivedType(typeof(Rootless.UserCreated), "user")]
[JsonDerivedType(typeof(Rootless.SubordinateIdsAdded), "subordinate")]
[JsonDerivedType(typeof(Rootless.LingerEnabled), "linger")]
[JsonDerivedType(typeof(Rootless.ProfileLoaded), "profile")]
[JsonDerivedType(typeof(Rootless.EngineStateCreated), "state")]
[JsonDerivedType(typeof(Rootless.RootlessUnitEnabled), "rootless-enabled")]
[JsonDerivedType(typeof(Rootless.RootlessUnitStarted), "rootless-started")]
[JsonDerivedType(typeof(Rootless.RootlessUnitRestored), "rootless-restored")]
internal abstract record HostChange(string Target)
{
    /// <summary>What was changed. A record without it is none.</summary>
    public string Target { get; init; } = string.IsNullOrEmpty(Target) ? throw new JsonException("a change has no target.") : Target;

    /// <summary>Stays when BuildKit is uninstalled without purging: what others may use by now, or what holds a user's work.</summary>
    public bool KeepWithoutPurge { get; init; }

    /// <summary>Takes the change back.</summary>
    /// <param name="tell">Told what was left alone, and why.</param>
    public abstract void Undo(Action<string> tell);

    /// <summary>The same target changed again later: one record that leads back to where the first began.</summary>
    public virtual HostChange Merge(HostChange later) => this;
}

/// <summary>A file was written, or replaced.</summary>
/// <param name="Target">Its path.</param>
/// <param name="Sha256">What was written.</param>
/// <param name="Backup">Where the file that was there before is kept; null when there was none.</param>
/// <param name="BackupSha256">What that was.</param>
internal sealed record FileWritten(string Target, string Sha256, string? Backup, string? BackupSha256) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        string? now = FileHash.Of(Target);
        if (now is not null && now != Sha256 && now != BackupSha256)
        {
            tell($"'{Target}' was changed since and is kept.");
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

    /// <inheritdoc/>
    public override HostChange Merge(HostChange later) => later is FileWritten file ? this with { Sha256 = file.Sha256 } : this;
}

/// <summary>A directory was made.</summary>
/// <param name="Target">Its path.</param>
/// <param name="WithContent">Goes with all that is in it: a directory nobody else writes to.</param>
internal sealed record DirectoryCreated(string Target, bool WithContent) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (WithContent)
        {
            TreeRemoval.Remove(Target);
        }
        else if (!TreeRemoval.RemoveIfEmpty(Target) && Directory.Exists(Target))
        {
            tell($"'{Target}' is not empty and is kept.");
        }
    }
}

/// <summary>A group was made.</summary>
internal sealed record GroupCreated(string Target) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (Accounts.AccountDatabase.FindGroup(Target) is null)
        {
            return;
        }

        // A service whose supplementary group is gone does not start any more (216/GROUP).
        foreach (string unit in Access.ServiceGrant.UnitsWith(Target))
        {
            Access.ServiceGrant.Remove(unit, Target);
            tell($"{unit} was a member of the group '{Target}' and is not any more; restart it.");
        }

        HostCommand.Require("groupdel", ["--", Target]);
    }
}

/// <summary>Packages were installed.</summary>
/// <param name="Target">The package asked for.</param>
/// <param name="Before">Every package that was installed before: what came with the one asked for is the difference.</param>
/// <param name="AbsentBefore">Directories the package's programs make, that were not there before.</param>
/// <param name="Added">What the difference was, once it is known; null while the installation runs.</param>
internal sealed record PackagesInstalled(
    string Target,
    IReadOnlyList<string> Before,
    IReadOnlyList<string> AbsentBefore,
    IReadOnlyList<string>? Added) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        Access.ContainerdAccess.Close(dropGroup: true);
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
            // Configuration that somebody put there since is not containerd's to take along.
            bool state = directory.StartsWith("/var/", StringComparison.Ordinal) || directory.StartsWith("/run/", StringComparison.Ordinal);
            if (state || !Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Any())
            {
                TreeRemoval.Remove(directory);
            }
            else
            {
                tell($"'{directory}' has files of somebody else in it and is kept.");
            }
        }
    }
}

/// <summary>A unit was enabled.</summary>
internal sealed record UnitEnabled(string Target) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell) => Systemctl.TryDisable(Target);
}

/// <summary>A unit was started that was not running.</summary>
internal sealed record UnitStarted(string Target) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell) => Systemctl.TryStop(Target);
}

/// <summary>
/// Units ran before their files were replaced. Written down first, so that it is taken back last, when the old files are in
/// place again: then they are started anew from those.
/// </summary>
/// <param name="Target">The service.</param>
/// <param name="Socket">Its socket unit.</param>
internal sealed record ServiceRestored(string Target, string Socket) : HostChange(Target)
{
    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        Systemctl.TryReload();
        Systemctl.TryStop(Target);
        Systemctl.Restart(Socket);
        Systemctl.Restart(Target);
    }
}
