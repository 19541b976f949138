using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>
/// The principal for which a socket is checked. Effective has the current credentials of its programs. Database is the identity after a new
/// login or a restart; null when the databases do not know it. The caller needs no change of credentials.
/// </summary>
internal sealed record Principal(string Name, Identity Effective, Identity? Database, ServiceAccount? Service, bool IsCaller, string? Note)
{
    public static Principal Caller()
    {
        Identity identity = Identity.Current();
        UserAccount? user = AccountDatabase.FindUser(identity.Uid);
        return new Principal(user?.Name ?? identity.Uid.ToString(System.Globalization.CultureInfo.InvariantCulture), identity, user is null ? null : AccountDatabase.IdentityOf(user), null, IsCaller: true, null);
    }

    /// <summary>A user with the identity of a new login.</summary>
    /// <exception cref="HostException">There is no such user, or the caller is not root.</exception>
    public static Principal User(string name)
    {
        UserAccount user = AccountDatabase.RequireUser(name);
        if (user.Uid == Identity.Current().Uid)
        {
            return Caller();
        }

        AccountDatabase.RequireRoot("Testing the access of another user requires root.");
        Identity identity = AccountDatabase.IdentityOf(user);
        return new Principal(user.Name, identity, identity, null, IsCaller: false, "with the groups of a new login; existing sessions may have fewer groups");
    }

    /// <summary>A service as it runs, or as it would be started.</summary>
    /// <exception cref="HostException">There is no such service, its user does not exist, or the caller is not root.</exception>
    public static Principal ServiceNamed(string name)
    {
        AccountDatabase.RequireRoot("Testing the access of another user requires root.");
        ServiceAccount service = ServiceAccount.Find(name);
        Identity? started = service.IdentityWhenStarted();
        return new Principal(
            service.Unit,
            service.Running ?? started ?? throw new HostException(HostErrorKind.NotFound, $"{service.Unit} is not running and its user '{service.User}' does not exist: its identity is unknown.", $"systemctl start {service.Unit}", service.Unit),
            started,
            service,
            IsCaller: false,
            service.Running is null ? "not running: as it would be started" : $"running as process {service.MainPid}");
    }
}
