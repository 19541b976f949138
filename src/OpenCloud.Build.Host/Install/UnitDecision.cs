using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// The decision about one unit: write this module's, keep the present one, add a drop-in to a user's unit, or refuse and show the
/// difference. A user's unit is never overwritten or silently ignored. Path is null when nothing is written.
/// </summary>
internal sealed record UnitDecision(string? Path, string Text, string? Note)
{
    private const string DropInName = "50-opencloud.build.conf";

    /// <exception cref="HostException">The user's unit is unrelated.</exception>
    public static UnitDecision ForSocket(UnitTemplates texts)
    {
        const string Unit = SystemPaths.SocketUnit;
        if (Ours(Unit, SystemPaths.SocketUnitPath, texts.Socket) is { } ours)
        {
            return ours;
        }

        IReadOnlyDictionary<string, string> now = Systemctl.Show(Unit, "Listen", "SocketMode", "SocketGroup", "FragmentPath");
        if (!now.GetValueOrDefault("Listen", string.Empty).Contains($"{SystemPaths.SocketPath} (Stream)", StringComparison.Ordinal))
        {
            throw Refused(Unit, now, texts.Socket, $"does not listen on {SystemPaths.SocketPath}");
        }

        List<string> lines = new();
        Want(lines, now, "SocketMode", "0660");
        Want(lines, now, "SocketGroup", texts.Group);
        return DropIn(Unit, now, lines.Count == 0 ? null : $"[Socket]\n{string.Join('\n', lines)}\n");
    }

    /// <exception cref="HostException">The user's unit runs something else.</exception>
    public static UnitDecision ForService(UnitTemplates texts)
    {
        const string Unit = SystemPaths.ServiceUnit;
        if (Ours(Unit, SystemPaths.ServiceUnitPath, texts.Service) is { } ours)
        {
            return ours;
        }

        IReadOnlyDictionary<string, string> now = Systemctl.Show(Unit, "ExecStart", "Type", "Restart", "RestartUSec", "Requires", "After", "PrivateNetwork", "FragmentPath");
        string command = now.GetValueOrDefault("ExecStart", string.Empty);
        if (!command.Contains($"path={texts.Program} ", StringComparison.Ordinal))
        {
            throw Refused(Unit, now, texts.Service, $"does not run {texts.Program}");
        }

        if (!command.Contains("fd://", StringComparison.Ordinal))
        {
            throw Refused(Unit, now, texts.Service, $"does not use the socket of {SystemPaths.SocketUnit} (--addr fd://)");
        }

        if (texts.Tls is { } tls && !command.Contains(tls.Options, StringComparison.Ordinal))
        {
            throw Refused(Unit, now, texts.Service, $"does not listen on {tls.Address} with these certificates");
        }

        List<string> unit = new();
        List<string> service = new();
        WantMember(unit, now, "Requires", SystemPaths.SocketUnit);
        WantMember(unit, now, "After", SystemPaths.SocketUnit);
        if (texts.OrderAfterContainerd)
        {
            WantMember(unit, now, "Requires", "containerd.service");
            WantMember(unit, now, "After", "containerd.service");
        }

        Want(service, now, "Type", "notify");
        Want(service, now, "Restart", "always");
        if (now.GetValueOrDefault("RestartUSec") != "5s")
        {
            service.Add("RestartSec=5");
        }

        if (texts.Isolation is not null)
        {
            Want(service, now, "PrivateNetwork", "yes");
        }

        string text = (unit.Count > 0 ? $"[Unit]\n{string.Join('\n', unit)}\n" : string.Empty) +
            (service.Count > 0 ? $"[Service]\n{string.Join('\n', service)}\n" : string.Empty);
        UnitDecision decision = DropIn(Unit, now, text.Length > 0 ? text : null);
        return texts.Isolation is null && now.GetValueOrDefault("PrivateNetwork") == "yes"
            ? decision with { Note = $"{decision.Note} It has PrivateNetwork=yes: the engine stays isolated." }
            : decision;
    }

    private static UnitDecision? Ours(string unit, string path, string wanted)
    {
        TextOwner owner = OwnedText.OwnerOf(path);
        string elsewhere = Systemctl.Property(unit, "FragmentPath");
        return owner switch
        {
            TextOwner.Module => new UnitDecision(path, wanted, null),
            TextOwner.Nobody when elsewhere.Length == 0 || elsewhere == path => new UnitDecision(path, wanted, null),
            _ => null,
        };
    }

    private static UnitDecision DropIn(string unit, IReadOnlyDictionary<string, string> now, string? text)
    {
        string fragment = now.GetValueOrDefault("FragmentPath", unit);
        string path = System.IO.Path.Combine(Systemctl.UnitDirectory, unit + ".d", DropInName);
        if (text is null)
        {
            // The effective settings include a drop-in of an earlier run, which stays as it is.
            return new UnitDecision(null, string.Empty, $"{fragment} was not written by this module, but is compatible and is kept.");
        }

        // Settings added by an earlier run are in effect and do not count as missing; they must not be lost with the new text.
        text = OwnedText.OwnerOf(path) is TextOwner.Module ? OwnedText.Body(path) + text : text;
        return OwnedText.OwnerOf(path) is TextOwner.User or TextOwner.EditedByUser
            ? throw new HostException(
                HostErrorKind.Conflict,
                $"'{path}' was edited and does not meet the requirements of {unit}:\n{TextDiff.Unified(OwnedText.Shown(path), text)}",
                $"Add the lines marked + to '{path}', or remove the file, and run the command again.",
                path)
            : new UnitDecision(path, OwnedText.Seal(text), $"{fragment} was not written by this module and is kept; a drop-in adds the missing settings.");
    }

    private static HostException Refused(string unit, IReadOnlyDictionary<string, string> now, string wanted, string why)
    {
        string path = now.GetValueOrDefault("FragmentPath", string.Empty);
        string isThere = OwnedText.Shown(path);
        return new HostException(
            HostErrorKind.Conflict,
            $"{unit} ({path}) was not written by this module and {why}; it is not overwritten. Differences (- present, + required):\n{TextDiff.Unified(isThere, wanted)}",
            $"Change '{path}' accordingly, or move it away and run 'systemctl daemon-reload', then run the command again.",
            path);
    }

    private static void Want(List<string> lines, IReadOnlyDictionary<string, string> now, string name, string value)
    {
        if (now.GetValueOrDefault(name) != value)
        {
            lines.Add($"{name}={value}");
        }
    }

    private static void WantMember(List<string> lines, IReadOnlyDictionary<string, string> now, string name, string value)
    {
        if (!now.GetValueOrDefault(name, string.Empty).Split(' ').Contains(value))
        {
            lines.Add($"{name}={value}");
        }
    }
}
