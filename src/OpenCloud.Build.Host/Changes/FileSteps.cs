using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Changes;

/// <summary>The file steps of a rootless installation: texts and folders in a user's home, written as that user.</summary>
internal static class RootlessSteps
{
    public const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Enterable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Creates the missing folders of a path as the user, or as the caller when the user is null.</summary>
    public static IEnumerable<HostStep> Folders(string path, string? user, bool keepWithoutPurge = false)
    {
        Stack<string> lacking = new();
        for (string? folder = path; folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
        {
            lacking.Push(folder);
        }

        foreach (string folder in lacking)
        {
            yield return new HostStep(
                StepKind.File,
                folder,
                "Create the directory",
                () => Directory.Exists(folder),
                () => new FolderCreated(folder, user) { KeepWithoutPurge = keepWithoutPurge },
                _ => ActingUser.Run(user, () => Directory.CreateDirectory(folder, Enterable)));
        }
    }

    /// <summary>Writes a text of this module as the user, or as the caller when the user is null.</summary>
    public static HostStep Write(string path, string text, string? user, Action? before = null, Action? after = null, bool keepWithoutPurge = false) => new(
        StepKind.File,
        path,
        File.Exists(path) ? "Replace the file" : "Write the file",
        () => IsThere(path, text, user),
        () =>
        {
            before?.Invoke();
            // Also read as the user: a file behind a link that the user may not read must not end up in the records.
            string? prior = ActingUser.Run(user, () => BoundedFile.TryReadText(path, OwnedText.Limit, followLink: true));
            return new TextWritten(path, FileHash.OfText(text), prior, user) { KeepWithoutPurge = keepWithoutPurge };
        },
        _ =>
        {
            ActingUser.Run(user, () => WholeFile.Write(path, text, Readable));
            after?.Invoke();
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
