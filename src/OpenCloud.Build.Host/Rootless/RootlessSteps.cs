using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>The steps a rootless installation has of its own: texts and folders in a user's home, written as that user.</summary>
internal static class RootlessSteps
{
    /// <summary>Its owner writes, everybody reads.</summary>
    public const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Enterable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Makes the folders of a file that are not there.</summary>
    /// <param name="path">The innermost folder.</param>
    /// <param name="user">As whom; null for the caller.</param>
    /// <param name="keepWithoutPurge">Stay when BuildKit is uninstalled without purging.</param>
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

    /// <summary>Writes a text of this module.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="text">Its text.</param>
    /// <param name="user">As whom; null for the caller.</param>
    /// <param name="before">Called before it is written.</param>
    /// <param name="after">Called when it was written.</param>
    /// <param name="keepWithoutPurge">Stays when BuildKit is uninstalled without purging.</param>
    public static HostStep Write(string path, string text, string? user, Action? before = null, Action? after = null, bool keepWithoutPurge = false) => new(
        StepKind.File,
        path,
        File.Exists(path) ? "Replace the file" : "Write the file",
        () => IsThere(path, text, user),
        () =>
        {
            before?.Invoke();
            // Read as the user as well: what a link leads to that the user may not read must not end up in the records.
            string? prior = ActingUser.Run(user, () => BoundedFile.TryReadText(path, OwnedText.Limit, followLink: true));
            return new TextWritten(path, FileHash.OfText(text), prior, user) { KeepWithoutPurge = keepWithoutPurge };
        },
        _ =>
        {
            ActingUser.Run(user, () => WholeFile.Write(path, text, Readable));
            after?.Invoke();
        });

    // A plan may be made by anybody, who is nobody else then, and for a user who is yet to be made.
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

    /// <summary>Refuses to overwrite a text that somebody else wrote, or changed.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="wanted">The text that is to be there.</param>
    /// <param name="user">As whom it is read; null for the caller.</param>
    /// <exception cref="HostException">It is not this module's; the message shows how it differs.</exception>
    public static void RequireOurs(string path, string wanted, string? user)
    {
        if (ActingUser.Run(user, () => OwnedText.OwnerOf(path)) is TextOwner.User or TextOwner.EditedByUser)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"'{path}' is not this module's, or was edited; it is not overwritten. It differs from what is needed (- there, + needed):\n{TextDiff.Unified(ActingUser.Run(user, () => OwnedText.Shown(path)), wanted)}",
                $"Move '{path}' away (what is yours of it can go into '{path}.d/'), and run it again.",
                path);
        }
    }
}
