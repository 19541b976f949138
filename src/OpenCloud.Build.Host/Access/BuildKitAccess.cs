using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Access;

/// <summary>
/// Grants users and services access to the engine, or revokes it. All names are resolved before anything is changed; when one
/// change fails, the earlier ones are undone.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
public sealed class BuildKitAccess(IHostObserver observer)
{
    private readonly Stack<Action> _undo = new();

    /// <summary>The user that the engine runs as and its clients act as: root, except for a rootless engine.</summary>
    internal string ActsAs { get; init; } = "root";

    /// <summary>Grants access.</summary>
    /// <param name="request">The principals and the resource.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <exception cref="HostException">A principal or the group does not exist; nothing is changed.</exception>
    public IReadOnlyList<AccessReport> Grant(AccessRequest request, bool planOnly) => Change(request, grant: true, planOnly);

    /// <summary>Revokes access.</summary>
    /// <param name="request">The principals and the resource.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <exception cref="HostException">A principal or the group does not exist; nothing is changed.</exception>
    public IReadOnlyList<AccessReport> Revoke(AccessRequest request, bool planOnly) => Change(request, grant: false, planOnly);

    private IReadOnlyList<AccessReport> Change(AccessRequest request, bool grant, bool planOnly)
    {
        if (!planOnly)
        {
            AccountDatabase.RequireRoot("Changing the access to the engine requires root.");
        }

        if (request.Users.Count + request.Services.Count == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "No user and no service was specified.");
        }

        using HostLock? hostLock = planOnly ? null : HostLock.Take(TimeSpan.FromMinutes(2), observer.Warning, default);
        if (request.Containerd)
        {
            ContainerdAccess.RequireContainerd();
        }

        // All names are resolved first.
        string name = request.Containerd ? ContainerdAccess.Group : request.Group ?? InstallationManifest.Load()?.Group ?? "buildkit";
        AccountDatabase.CheckName(name, "group");
        UserAccount[] users = request.Users.Distinct(StringComparer.Ordinal).Select(AccountDatabase.RequireUser).ToArray();
        ServiceAccount[] services = request.Services.Select(ServiceAccount.Find).DistinctBy(service => service.Unit).ToArray();
        GroupAccount? group = AccountDatabase.FindGroup(name);
        if (group is null && !request.Containerd)
        {
            throw new HostException(HostErrorKind.NotFound, $"The group '{name}' does not exist: BuildKit is not installed on this host.", "Run Install-BuildKit first.", name);
        }

        if (group is { Gid: 0 })
        {
            throw new HostException(HostErrorKind.InvalidInput, "The group 'root' gives access to more than the engine; it cannot be used.", target: name);
        }

        try
        {
            if (request.Containerd && grant)
            {
                OpenContainerd(planOnly);
                group = AccountDatabase.FindGroup(name);
            }

            // Warns before the first change; granting containerd, or sharing a rootless engine, has its own warning.
            if (grant && !request.Containerd && ActsAs == "root" && (users.Any(user => user.Uid != 0) || services.Any(service => !service.IsRoot)))
            {
                observer.Warning($"Membership in the group '{name}' is equivalent to root on this host: the engine runs as root, and mounts, reads and runs what a client requests. To avoid this, share a rootless engine (-Rootless).");
            }

            List<AccessReport> reports = new();
            reports.AddRange(users.Select(user => ChangeUser(user, name, group, grant, planOnly)));
            reports.AddRange(services.Select(service => ChangeService(service, name, group, grant, request.Restart, planOnly)));
            if (request.Containerd && !grant && !planOnly)
            {
                CloseContainerdWhenUnused();
            }

            return reports;
        }
        catch
        {
            while (_undo.TryPop(out Action? undo))
            {
                undo();
            }

            throw;
        }
    }

    private void OpenContainerd(bool planOnly)
    {
        observer.Warning(ContainerdAccess.Warning);
        if (ContainerdAccess.IsOpen)
        {
            return;
        }

        if (observer.Approve(new HostStepInfo(StepKind.Group, ContainerdAccess.Group, $"Give access to {ContainerdPresence.Socket} to the group")) && !planOnly)
        {
            _undo.Push(ContainerdAccess.Open());
        }
        else if (!planOnly)
        {
            throw new HostException(HostErrorKind.InvalidInput, "containerd's socket was not changed, so no access was granted.");
        }
    }

    private static void CloseContainerdWhenUnused()
    {
        if (AccountDatabase.FindGroup(ContainerdAccess.Group) is { Members.Count: 0 } && ServiceGrant.UnitsWith(ContainerdAccess.Group).Count == 0)
        {
            ContainerdAccess.Close(dropGroup: true);
        }
    }

    private AccessReport ChangeUser(UserAccount user, string name, GroupAccount? group, bool grant, bool planOnly)
    {
        AccessReport Report(string was, string now, string? pending, bool changed) => new(user.Name, PrincipalKind.User, name, was, now, pending, changed);
        if (user.Uid == 0)
        {
            return Report("root", "root", null, changed: false);
        }

        bool primary = group is not null && user.Gid == group.Gid;
        bool member = primary || (group is not null && group.Members.Contains(user.Name));
        string was = StateOf(member);
        if (primary && !grant)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"'{name}' is the primary group of '{user.Name}', which this cmdlet does not change.",
                $"usermod --gid OTHERGROUP {user.Name}",
                user.Name);
        }

        string action = grant ? $"Add the user {user.Name}, which gives the rights of {ActsAs}, to the group" : $"Remove the user {user.Name} from the group";
        bool changed = member != grant && Apply(new HostStepInfo(StepKind.Group, name, action), isMember => SetMember(user.Name, name, isMember), grant, planOnly);
        string now = StateOf(member != changed);
        return Report(was, now, PendingOf(user, group, grant && now == "member", !grant && now != "member"), changed);
    }

    private static string? PendingOf(UserAccount user, GroupAccount? group, bool granted, bool revoked)
    {
        if (group is null || (!granted && !revoked))
        {
            return null;
        }

        (int all, int without) = ProcessCredentials.OfUser(user.Uid, group.Gid);
        return granted && without > 0 ? $"a new login: {without} of {all} running processes of {user.Name} are not members yet"
            : revoked && without < all ? $"the end of the session: {all - without} running processes of {user.Name} are still members"
            : null;
    }

    private static string StateOf(bool isMember) => isMember ? "member" : "not a member";

    private static void SetMember(string user, string group, bool isMember) => HostCommand.Require("gpasswd", [isMember ? "-a" : "-d", user, group]);

    // Makes a change that is approved, and keeps what undoes it; returns whether it was made.
    private bool Apply(HostStepInfo step, Action<bool> set, bool grant, bool planOnly)
    {
        if (!observer.Approve(step) || planOnly)
        {
            return false;
        }

        set(grant);
        _undo.Push(() => set(!grant));
        return true;
    }

    private AccessReport ChangeService(ServiceAccount service, string name, GroupAccount? group, bool grant, bool restart, bool planOnly)
    {
        AccessReport Report(string was, string now, string? pending, bool changed) => new(service.Unit, PrincipalKind.Service, name, was, now, pending, changed);
        if (service.IsRoot)
        {
            // Every socket accepts a service that runs as root; a drop-in would have no effect.
            return Report("root", "root", null, changed: false);
        }

        bool member = service.Groups.Contains(name);
        bool ours = ServiceGrant.Exists(service.Unit, name);
        string was = StateOf(member);
        if (!grant && member && !ours)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"{service.Unit} is a member of '{name}' by a setting that this module did not write.",
                $"Change SupplementaryGroups= in the file that 'systemctl cat {service.Unit}' shows.",
                service.Unit);
        }

        string action = grant ? $"Write the drop-in SupplementaryGroups={name}, which gives the rights of {ActsAs}, of" : $"Remove the drop-in SupplementaryGroups={name} of";
        bool changed = member != grant && Apply(new HostStepInfo(StepKind.Unit, service.Unit, action), isMember => ServiceGrant.Set(service.Unit, name, isMember), grant, planOnly);
        string now = StateOf(member != changed);
        bool effective = service.Running is { } running && group is not null && running.IsMember(group.Gid);
        string? pending = service.Running is not null && now == "member" != effective ? $"a restart: systemctl restart {service.Unit}" : null;
        if (pending is not null && restart &&
            observer.Approve(new HostStepInfo(StepKind.Unit, service.Unit, "Restart the service")) && !planOnly)
        {
            Systemctl.Restart(service.Unit);
            pending = null;
        }

        IReadOnlyList<string> notes = grant && now == "member" && !planOnly
            ? ServiceChecks.Of(service.Unit, name, ServiceGrant.Exists(service.Unit, name) ? ServiceGrant.PathOf(service.Unit, name) : null)
            : [];
        foreach (string note in notes)
        {
            observer.Warning(note);
        }

        return Report(was, now, pending, changed) with { Notes = notes };
    }
}
