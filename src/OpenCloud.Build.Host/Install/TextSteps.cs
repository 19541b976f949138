using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>Writes text files of this module, keeping what was there for as long as it may be needed.</summary>
internal static class TextSteps
{
    private const string BackupDirectory = ChangeJournal.StateDirectory + "/backup";

    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Enterable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Makes the folder of a file.</summary>
    public static HostStep Folder(string path, bool keepWithoutPurge = false) => new(
        StepKind.File,
        path,
        "Create the directory",
        () => Directory.Exists(path),
        () => new DirectoryCreated(path, WithContent: false) { KeepWithoutPurge = keepWithoutPurge },
        _ => Directory.CreateDirectory(path, Enterable));

    /// <summary>Writes a file; systemd reads its units again when it is one of them.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="text">Its text.</param>
    /// <param name="before">Called before it is written.</param>
    /// <param name="keepWithoutPurge">Stays when BuildKit is uninstalled without purging.</param>
    /// <param name="executable">It is a program.</param>
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

    /// <summary>Removes the copies that no change points to any more.</summary>
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
