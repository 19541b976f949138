namespace OpenCloud.Build.Host.Accounts;

/// <summary>
/// Runs file operations in a user's home as that user when root installs for the user. The user owns the created files, and
/// a link that the user created cannot lead root to a path the user could not reach (<see cref="IdentityThread"/>).
/// </summary>
internal static class ActingUser
{
    /// <summary>Runs the work as the given user, or as the caller when it is null.</summary>
    /// <exception cref="HostException">The user no longer exists; the work is not run as root instead.</exception>
    public static T Run<T>(string? user, Func<T> work) => user is null ? work() : Run(Required(user), work);

    public static T Run<T>(UserAccount user, Func<T> work)
        => user.Uid == Identity.Current().Uid ? work() : IdentityThread.Run(new Identity(user.Uid, user.Gid, [user.Gid]), work);

    public static void Run(string? user, Action work) => Run(user, () =>
    {
        work();
        return true;
    });

    /// <summary>Returns the account of a user that must exist.</summary>
    /// <exception cref="HostException">The user does not exist.</exception>
    public static UserAccount Required(string user) => AccountDatabase.FindUser(user)
        ?? throw new HostException(
            HostErrorKind.NotFound,
            $"The user '{AccountDatabase.Printable(user)}' no longer exists, and root does not change the files of that user.",
            "Create the user again with the same id and home directory, or remove the remaining files manually, and run the command again.",
            AccountDatabase.Printable(user));
}
