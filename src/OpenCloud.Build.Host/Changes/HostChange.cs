using System.Text.Json;
using System.Text.Json.Serialization;

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
[JsonDerivedType(typeof(UnitRestored), "restored")]
[JsonDerivedType(typeof(CniResults), "cni")]
[JsonDerivedType(typeof(TextWritten), "text")]
[JsonDerivedType(typeof(FolderCreated), "folder")]
[JsonDerivedType(typeof(UserCreated), "user")]
[JsonDerivedType(typeof(SubordinateIdsAdded), "subordinate")]
[JsonDerivedType(typeof(LingerEnabled), "linger")]
[JsonDerivedType(typeof(ProfileLoaded), "profile")]
[JsonDerivedType(typeof(EngineStateCreated), "state")]
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
