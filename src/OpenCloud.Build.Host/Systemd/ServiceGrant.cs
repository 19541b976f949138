using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Systemd;

/// <summary>The drop-in that makes a service a member of a group (SupplementaryGroups= adds to what is there, systemd.exec(5)).</summary>
internal static class ServiceGrant
{
    public static string PathOf(string unit, string group) => $"{Systemctl.UnitDirectory}/{unit}.d/50-opencloud.build-{group}.conf";

    public static bool Exists(string unit, string group) => File.Exists(PathOf(unit, group));

    /// <summary>Writes the drop-in.</summary>
    /// <exception cref="HostException">Somebody edited the drop-in.</exception>
    private static void Write(string unit, string group)
    {
        string path = PathOf(unit, group);
        string text = OwnedText.Seal($"[Service]\nSupplementaryGroups={group}\n");
        if (OwnedText.OwnerOf(path) is TextOwner.EditedByUser or TextOwner.User)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"'{path}' was edited; it is not overwritten:\n{TextDiff.Unified(OwnedText.Shown(path), text)}",
                "Add the line marked + to the file, or remove the file and run the command again.",
                path);
        }

        DropIn.Write(path, text);
    }

    public static void Set(string unit, string group, bool isMember)
    {
        if (isMember)
        {
            Write(unit, group);
        }
        else
        {
            Remove(unit, group);
        }
    }

    public static void Remove(string unit, string group) => DropIn.Remove(PathOf(unit, group));

    /// <summary>All services with a drop-in for a group: a service whose group is missing no longer starts.</summary>
    public static IReadOnlyList<string> UnitsWith(string group)
        => Directory.Exists(Systemctl.UnitDirectory)
            ? [.. Directory.GetDirectories(Systemctl.UnitDirectory, "*.service.d")
                .Select(folder => Path.GetFileName(folder)[..^2])
                .Where(unit => Exists(unit, group))]
            : [];
}
