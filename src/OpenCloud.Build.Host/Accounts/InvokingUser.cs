namespace OpenCloud.Build.Host.Accounts;

/// <summary>The user who started the command; behind sudo, doas or pkexec this is not root.</summary>
public static class InvokingUser
{
    /// <summary>The user's name.</summary>
    /// <exception cref="HostException">The user is root itself, which needs no grant.</exception>
    public static string Name()
    {
        uint uid = Identity.Current().Uid;
        if (uid != 0)
        {
            return AccountDatabase.UserName(uid);
        }

        foreach (string variable in (string[])["SUDO_UID", "PKEXEC_UID", "DOAS_USER"])
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value &&
                AccountDatabase.FindUser(value) is { Uid: not 0 } user)
            {
                return user.Name;
            }
        }

        throw new HostException(HostErrorKind.InvalidInput, "The caller is root, who already has access to every socket.", "Specify users or services: -User NAME, -Service NAME.");
    }
}
