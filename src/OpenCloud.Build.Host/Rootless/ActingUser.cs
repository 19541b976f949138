using OpenCloud.Build.Host.Accounts;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>
/// Does things in a user's home as that user, when root installs for somebody: what is made there belongs to the user, and a
/// link that the user put there leads nowhere the user could not go (<see cref="IdentityThread"/>).
/// </summary>
internal static class ActingUser
{
    /// <summary>Runs something as a user.</summary>
    /// <param name="user">The user; null for the caller.</param>
    /// <param name="work">What to do with files.</param>
    /// <exception cref="HostException">There is no such user any more: nothing is done as root instead.</exception>
    public static T Run<T>(string? user, Func<T> work) => user is null ? work() : Run(Required(user), work);

    /// <summary>Runs something as a user.</summary>
    public static T Run<T>(UserAccount user, Func<T> work)
        => user.Uid == Identity.Current().Uid ? work() : IdentityThread.Run(new Identity(user.Uid, user.Gid, [user.Gid]), work);

    /// <summary>Runs something as a user.</summary>
    public static void Run(string? user, Action work) => Run(user, () =>
    {
        work();
        return true;
    });

    /// <summary>The account of a user who has to be there.</summary>
    /// <exception cref="HostException">There is none.</exception>
    public static UserAccount Required(string user) => AccountDatabase.FindUser(user)
        ?? throw new HostException(
            HostErrorKind.NotFound,
            $"There is no user '{AccountDatabase.Printable(user)}' any more, and what was that user's is not touched as root.",
            "Make the user again with its old number and home, or remove by hand what is left, and run it again.",
            AccountDatabase.Printable(user));
}
