using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>Writes text files of this module and keeps the replaced files while they may be needed.</summary>
internal static class TextSteps
{
    private const string BackupDirectory = ChangeJournal.StateDirectory + "/backup";

    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Enterable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static HostStep Folder(string path, bool keepWithoutPurge = false) => new(
        StepKind.File,
        path,
        "Create the directory",
        () => Directory.Exists(path),
        () => new DirectoryCreated(path, WithContent: false) { KeepWithoutPurge = keepWithoutPurge },
        _ => Directory.CreateDirectory(path, Enterable));

    /// <summary>Writes a file; systemd reloads its units when the file is a unit.</summary>
    public static HostStep Write(string path, string text, Action? before = null, bool keepWithoutPurge = false, bool executable = false) => new(
        StepKind.File,
        path,
        File.Exists(path) ? "Replace the file" : "Write the file",
        () => FileHash.Of(path) == FileHash.OfText(text),
        () =>
        {
            before?.Invoke();
            string? prior = FileHash.Of(path);
            string? backup = null;
            if (prior is not null)
            {
                ChangeJournal.EnsureState();
                Directory.CreateDirectory(BackupDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                backup = Path.Combine(BackupDirectory, $"{Path.GetFileName(path)}.{Guid.NewGuid():N}");
                File.Copy(path, backup);
            }

            return new FileWritten(path, FileHash.OfText(text), backup, prior) { KeepWithoutPurge = keepWithoutPurge };
        },
        _ =>
        {
            WholeFile.Write(path, text, executable ? Enterable : Readable);
            if (Systemctl.IsUnitFile(path))
            {
                Systemctl.Reload();
            }
        });

    /// <summary>Removes the copies that no change refers to.</summary>
    public static void DropUnusedBackups(IEnumerable<HostChange> changes)
    {
        if (!Directory.Exists(BackupDirectory))
        {
            return;
        }

        HashSet<string?> used = changes.OfType<FileWritten>().Select(file => file.Backup).ToHashSet();
        foreach (string? backup in Directory.GetFiles(BackupDirectory).Where(path => !used.Contains(path)))
        {
            File.Delete(backup);
        }

        TreeRemoval.RemoveIfEmpty(BackupDirectory);
    }
}
