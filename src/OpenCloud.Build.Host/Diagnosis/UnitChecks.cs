using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>Checks the engine's units and the diagnosed service in systemd.</summary>
internal static class UnitChecks
{
    public static void Units(List<DiagnosisCheck> checks)
    {
        if (!Systemctl.IsRunning)
        {
            checks.Add(new DiagnosisCheck("Units", CheckState.Unknown, "this host has no systemd"));
            return;
        }

        IReadOnlyDictionary<string, string> socket = Systemctl.Show(SystemPaths.SocketUnit, "LoadState", "ActiveState", "UnitFileState", "SocketGroup", "SocketMode");
        IReadOnlyDictionary<string, string> service = Systemctl.Show(SystemPaths.ServiceUnit, "LoadState", "ActiveState", "SubState", "Result", "UnitFileState", "NRestarts");
        checks.Add(socket.GetValueOrDefault("LoadState") != "loaded"
            ? new DiagnosisCheck("Socket unit", CheckState.Warning, $"{SystemPaths.SocketUnit} is {socket.GetValueOrDefault("LoadState")}", RootLine.Of("Install-BuildKit"))
            : new DiagnosisCheck(
                "Socket unit",
                socket["ActiveState"] == "active" ? CheckState.Ok : CheckState.Failed,
                $"{SystemPaths.SocketUnit} is {socket["ActiveState"]}, {socket.GetValueOrDefault("UnitFileState")}; group {socket.GetValueOrDefault("SocketGroup", "root")}, mode {socket.GetValueOrDefault("SocketMode")}",
                socket["ActiveState"] == "active" ? null : $"sudo systemctl start {SystemPaths.SocketUnit}"));
        if (service.GetValueOrDefault("LoadState") == "loaded")
        {
            bool fine = service["ActiveState"] == "active";
            string words = fine ? string.Empty : $": {LastLine()}";
            checks.Add(new DiagnosisCheck(
                "Service unit",
                fine ? CheckState.Ok : service["ActiveState"] == "inactive" && socket.GetValueOrDefault("ActiveState") == "active" ? CheckState.Ok : CheckState.Failed,
                $"{SystemPaths.ServiceUnit} is {service["ActiveState"]} ({service.GetValueOrDefault("SubState")}), {service.GetValueOrDefault("UnitFileState")}, result {service.GetValueOrDefault("Result")}, {service.GetValueOrDefault("NRestarts", "0")} restarts{words}",
                fine ? null : $"sudo systemctl restart {SystemPaths.ServiceUnit}; journalctl -u {SystemPaths.ServiceUnit}"));
        }
    }

    public static void Groups(ServiceAccount service, List<DiagnosisCheck> checks)
    {
        string unit = service.Groups.Count == 0 ? "none" : string.Join(' ', service.Groups);
        string process = service.Running is null ? "it is not running" : string.Join(' ', service.Running.Groups.Append(service.Running.Gid).Distinct().Select(AccountDatabase.GroupName));
        string[] missing = service.Groups.Where(name => AccountDatabase.FindGroup(name) is null).ToArray();
        checks.Add(missing.Length > 0
            ? new DiagnosisCheck("SupplementaryGroups", CheckState.Failed, $"{service.Unit} uses groups that do not exist: {string.Join(' ', missing)}; it cannot start (216/GROUP)", $"sudo systemctl edit {service.Unit}")
            : new DiagnosisCheck("SupplementaryGroups", CheckState.Ok, $"{service.Unit} runs as {service.User}; unit: {unit}; process: {process}"));
    }

    private static string LastLine()
    {
        string lines = Systemctl.LastLines(SystemPaths.ServiceUnit, 1);
        return lines.Length > 0 ? lines : "its log is empty or not readable";
    }
}
