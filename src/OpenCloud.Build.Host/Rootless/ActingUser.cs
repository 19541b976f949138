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
    public static T Run<T>(string? user, Func<T> work)
    {
        if (user is null || AccountDatabase.FindUser(user) is not { } account || account.Uid == Identity.Current().Uid)
        {
            return work();
        }

        return IdentityThread.Run(new Identity(account.Uid, account.Gid, [account.Gid]), work);
    }

    /// <summary>Runs something as a user.</summary>
    public static void Run(string? user, Action work) => Run(user, () =>
    {
        work();
        return true;
    });
}
