using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>The steps that create folders and write texts, as the caller or as the user in whose home they are.</summary>
internal static class FileSteps
{
    /// <summary>Creates a folder. WithContent: it is removed with its content, because nobody else writes to it.</summary>
    public static HostStep Folder(string path, UnixFileMode mode = FileModes.Executable, bool withContent = false, bool keepWithoutPurge = false) => new(
        StepKind.File,
        path,
        "Create the directory",
        () => Directory.Exists(path),
        () => new DirectoryCreated(path, withContent) { KeepWithoutPurge = keepWithoutPurge },
        _ => Directory.CreateDirectory(path, mode));

    /// <summary>Creates the missing folders of a path as the user, or as the caller when the user is null.</summary>
    public static IEnumerable<HostStep> Folders(string path, string? user, bool keepWithoutPurge = false)
    {
        foreach (string folder in Missing(path))
        {
            yield return new HostStep(
                StepKind.File,
                folder,
                "Create the directory",
                () => Directory.Exists(folder),
                () => new FolderCreated(folder, user) { KeepWithoutPurge = keepWithoutPurge },
                _ => ActingUser.Run(user, () => Directory.CreateDirectory(folder, FileModes.Executable)));
        }
    }

    /// <summary>The folders of a path that do not exist, outermost first.</summary>
    public static Stack<string> Missing(string path)
    {
        Stack<string> missing = new();
        for (string? folder = path; folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
        {
            missing.Push(folder);
        }

        return missing;
    }

    /// <summary>
    /// Writes a text as the user, or as the caller when the user is null. Before is called before the file is replaced, after when it is
    /// written; the system's manager is told of its units' files in any case.
    /// </summary>
    public static HostStep Write(string path, string text, string? user = null, Action? before = null, Action? after = null, bool keepWithoutPurge = false, bool isProgram = false) => new(
        StepKind.File,
        path,
        File.Exists(path) ? "Replace the file" : "Write the file",
        () => IsThere(path, text, user),
        () =>
        {
            before?.Invoke();

            // Also read as the user: a file behind a link that the user may not read must not end up in the records.
            string? prior = ActingUser.Run(user, () => BoundedFile.TryReadText(path, OwnedText.Limit, followLink: true));
            return new TextWritten(path, FileHash.OfText(text), prior, user, isProgram) { KeepWithoutPurge = keepWithoutPurge };
        },
        _ =>
        {
            ActingUser.Run(user, () => WholeFile.Write(path, text, isProgram ? FileModes.Executable : FileModes.Readable));
            if (Systemctl.IsUnitFile(path))
            {
                Systemctl.Reload();
            }
            else
            {
                after?.Invoke();
            }
        });

    // A caller without root cannot switch users while planning, and the user may not exist yet.
    private static bool IsThere(string path, string text, string? user)
    {
        string? actor = Identity.Current().Uid == 0 ? user : null;
        try
        {
            return (actor is null || AccountDatabase.FindUser(actor) is not null) && ActingUser.Run(actor, () => FileHash.Of(path)) == FileHash.OfText(text);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Refuses to overwrite a text that somebody else wrote or changed.</summary>
    /// <exception cref="HostException">The text is not this module's; the message shows the difference.</exception>
    public static void RequireOurs(string path, string wanted, string? user)
    {
        if (ActingUser.Run(user, () => OwnedText.OwnerOf(path)) is TextOwner.User or TextOwner.EditedByUser)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"'{path}' was not written by this module, or was edited; it is not overwritten. Differences (- present, + required):\n{TextDiff.Unified(ActingUser.Run(user, () => OwnedText.Shown(path)), wanted)}",
                $"Move '{path}' away (put your own settings into '{path}.d/'), and run the command again.",
                path);
        }
    }
}
