using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>The steps that create groups, and enable and start units.</summary>
internal static class SystemSteps
{
    public static HostStep CreateGroup(string group, bool keepWithoutPurge = false) => new(
        StepKind.Group,
        group,
        "Create the group",
        () => AccountDatabase.FindGroup(group) is not null,
        () => new GroupCreated(group) { KeepWithoutPurge = keepWithoutPurge },
        cancellationToken => HostCommand.Require("groupadd", ["--system", "--", group], cancellationToken));

    public static HostStep Enable(ManagedUnit unit)
        => new(StepKind.Unit, unit.Name, "Enable the unit at boot", () => unit.IsEnabled, () => new UnitEnabled(unit.Name, unit.User), _ => unit.Enable());

    /// <summary>Starts a unit, or restarts one that was active. Restart: what it runs from was replaced.</summary>
    public static HostStep Start(ManagedUnit unit, bool wasActive, bool restart, Action<CancellationToken>? start = null) => new(
        StepKind.Unit,
        unit.Name,
        wasActive ? "Restart the unit" : "Start the unit",
        () => !restart && unit.IsActive,
        () => wasActive ? null : new UnitStarted(unit.Name, unit.User),
        start ?? unit.Restart);
}
