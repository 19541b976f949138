using System.Globalization;
using OpenCloud.Build.Host.Accounts;

namespace OpenCloud.Build.Host.Systemd;

/// <summary>
/// A service and its account. Unit has aliases resolved; User is "root" when User= is unset; Groups has the names of SupplementaryGroups=.
/// MainPid is 0 and Running, the identity of the main process, is null when the service does not run.
/// </summary>
internal sealed record ServiceAccount(string Unit, string User, IReadOnlyList<string> Groups, int MainPid, Identity? Running)
{
    /// <summary>Whether it runs as root, which no group restricts.</summary>
    public bool IsRoot => User is "root" or "0";

    /// <summary>Validates a name and finds the service.</summary>
    /// <exception cref="HostException">The name is invalid, or there is no such service.</exception>
    public static ServiceAccount Find(string name)
    {
        string unit = name.EndsWith(".service", StringComparison.Ordinal) ? name : name + ".service";
        string shown = AccountDatabase.Printable(name);
        if (name.Length is 0 or > 200 || name[0] == '-' || unit.StartsWith(".service", StringComparison.Ordinal) ||
            !name.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_' or '.' or '\\' or '@') ||
            (name.LastIndexOf('.') is > 0 and var dot && name[dot..] is ".socket" or ".timer" or ".target" or ".mount" or ".slice" or ".scope" or ".path" or ".device"))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{shown}' is not a valid service name.", "See 'systemctl list-units --type=service' for service names.", shown);
        }

        if (unit.EndsWith("@.service", StringComparison.Ordinal))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{shown}' is a template unit; specify an instance.", $"Use for example {unit.Replace("@.", "@NAME.", StringComparison.Ordinal)}.", shown);
        }

        if (!Systemctl.IsRunning)
        {
            throw new HostException(HostErrorKind.Unsupported, "This host does not use systemd, so access cannot be granted to services.", target: shown);
        }

        IReadOnlyDictionary<string, string> state = Systemctl.Show(unit, "Id", "LoadState", "User", "SupplementaryGroups", "MainPID");
        switch (state.GetValueOrDefault("LoadState"))
        {
            case "loaded":
                break;
            case "masked":
                throw new HostException(HostErrorKind.Conflict, $"The service '{shown}' is masked.", $"systemctl unmask {unit}", shown);
            default:
                throw new HostException(HostErrorKind.NotFound, $"The service '{shown}' does not exist.", "See 'systemctl list-unit-files --type=service' for service names.", shown);
        }

        int pid = int.Parse(state.GetValueOrDefault("MainPID", "0"), CultureInfo.InvariantCulture);
        string user = state.GetValueOrDefault("User", string.Empty);
        return new ServiceAccount(
            state.GetValueOrDefault("Id", unit),
            user.Length == 0 ? "root" : user,
            state.GetValueOrDefault("SupplementaryGroups", string.Empty).Split(' ', StringSplitOptions.RemoveEmptyEntries),
            pid,
            pid > 0 ? ProcessCredentials.Of(pid) : null);
    }

    /// <summary>The identity of the service when it is started; null when its user does not exist yet.</summary>
    public Identity? IdentityWhenStarted()
    {
        UserAccount? account = AccountDatabase.FindUser(User);
        if (account is null)
        {
            return null;
        }

        Identity database = AccountDatabase.IdentityOf(account);
        IEnumerable<uint> own = Groups.Select(AccountDatabase.FindGroup).Where(group => group is not null).Select(group => group!.Gid);
        return database with { Groups = [.. database.Groups.Union(own)] };
    }
}
