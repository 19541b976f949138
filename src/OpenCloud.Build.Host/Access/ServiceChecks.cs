using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Access;

/// <summary>Checks whether a grant to a service is effective: the service starts at boot, and the drop-in is in effect.</summary>
internal static class ServiceChecks
{
    /// <summary>The problems, each with a remedy; empty when there are none. dropIn is null when the unit or another setting names the group.</summary>
    public static IReadOnlyList<string> Of(string unit, string group, string? dropIn)
        => Of(unit, group, dropIn, Systemctl.Show(unit, "UnitFileState", "WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "TriggeredBy", "DropInPaths", "SupplementaryGroups"));

    /// <summary>As <see cref="Of(string, string, string?)"/>, from given systemd properties.</summary>
    public static IReadOnlyList<string> Of(string unit, string group, string? dropIn, IReadOnlyDictionary<string, string> state)
    {
        List<string> notes = [];
        string file = state.GetValueOrDefault("UnitFileState", string.Empty);
        string[] starters = ["WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "TriggeredBy"];
        if (file is "enabled-runtime" or "linked-runtime")
        {
            notes.Add($"{unit} is enabled only until the next boot. To enable it permanently: 'sudo systemctl enable {unit}'.");
        }
        else if (file is not "enabled" && starters.All(name => state.GetValueOrDefault(name, string.Empty).Length == 0))
        {
            notes.Add(file is "disabled"
                ? $"{unit} is not started at boot. To enable it: 'sudo systemctl enable {unit}'."
                : $"{unit} is not started at boot, and cannot be enabled ({(file.Length == 0 ? "no unit file" : file)}): add an [Install] section to its unit, for example WantedBy=multi-user.target, and run 'sudo systemctl enable {unit}'.");
        }

        string[] paths = state.GetValueOrDefault("DropInPaths", string.Empty).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] groups = state.GetValueOrDefault("SupplementaryGroups", string.Empty).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (dropIn is not null && !paths.Contains(dropIn))
        {
            notes.Add($"systemd ignores '{dropIn}', because another drop-in with this name overrides it: see 'systemctl cat {unit}'.");
        }
        else if (!groups.Contains(group))
        {
            notes.Add($"the group '{group}' does not apply to {unit}: a later drop-in clears SupplementaryGroups=; see 'systemctl cat {unit}'.");
        }

        return notes;
    }
}
