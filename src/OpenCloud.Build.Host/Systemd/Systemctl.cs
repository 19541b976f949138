using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Host.Systemd;

/// <summary>The system's service manager, through systemctl.</summary>
internal static class Systemctl
{
    /// <summary>The folder of an administrator's units (systemd.unit(5)).</summary>
    public const string UnitDirectory = "/etc/systemd/system";

    /// <summary>Whether systemd runs this host (sd_booted(3)).</summary>
    public static bool IsRunning => Directory.Exists("/run/systemd/system") && HostCommand.Find("systemctl") is not null;

    public static bool IsUnitFile(string path) => path.StartsWith(UnitDirectory + "/", StringComparison.Ordinal);

    /// <summary>The properties of a unit by name; a unit that does not exist has LoadState "not-found".</summary>
    public static IReadOnlyDictionary<string, string> Show(string unit, params string[] properties)
    {
        CommandResult answer = HostCommand.Run("systemctl", ["show", "--no-pager", "--property", string.Join(',', properties), "--", unit]);
        Dictionary<string, string> found = new(StringComparer.Ordinal);
        foreach (string line in answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                // Listen and ExecStart may occur several times.
                string name = line[..equals];
                found[name] = found.TryGetValue(name, out string? before) ? before + '\n' + line[(equals + 1)..] : line[(equals + 1)..];
            }
        }

        return found;
    }

    /// <summary>One property of a unit; empty when unset.</summary>
    public static string Property(string unit, string property) => Show(unit, property).GetValueOrDefault(property, string.Empty);

    public static bool IsActive(string unit) => HostCommand.Run("systemctl", ["is-active", "--quiet", "--", unit]).ExitCode == 0;

    public static void Reload() => HostCommand.Require("systemctl", ["daemon-reload"]);

    /// <summary>Reloads the units' files where systemd runs.</summary>
    public static void TryReload()
    {
        if (IsRunning)
        {
            HostCommand.Run("systemctl", ["daemon-reload"]);
        }
    }

    public static void Enable(string unit) => HostCommand.Require("systemctl", ["enable", "--quiet", "--", unit]);

    /// <summary>Starts a unit and returns when it has started; a Type=notify unit has then reported readiness.</summary>
    /// <exception cref="HostException">The unit did not start; the message carries its last lines.</exception>
    public static void Start(string unit, CancellationToken cancellationToken) => Must("start", unit, cancellationToken);

    public static void Restart(string unit, CancellationToken cancellationToken = default)
    {
        HostCommand.Run("systemctl", ["reset-failed", "--", unit], cancellationToken);
        Must("restart", unit, cancellationToken);
    }

    public static void TryStop(string unit)
    {
        if (IsRunning)
        {
            HostCommand.Run("systemctl", ["stop", "--", unit]);
            HostCommand.Run("systemctl", ["reset-failed", "--", unit]);
        }
    }

    public static string LastLines(string unit, int lines = 8)
        => HostCommand.Run("journalctl", ["--no-pager", "--quiet", "--output", "cat", "--lines", lines.ToString(System.Globalization.CultureInfo.InvariantCulture), "--unit", unit]).Output.Trim();

    /// <summary>The unit of a process, from its cgroup; null when it is in none.</summary>
    public static string? UnitOf(int pid)
    {
        try
        {
            foreach (string line in File.ReadLines($"/proc/{pid}/cgroup"))
            {
                string? unit = line.Split('/').LastOrDefault(part => part.EndsWith(".service", StringComparison.Ordinal));
                if (unit is not null)
                {
                    return unit;
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The process has ended or is not visible to the caller.
        }

        return null;
    }

    private static void Must(string verb, string unit, CancellationToken cancellationToken)
    {
        CommandResult result = HostCommand.Run("systemctl", [verb, "--", unit], cancellationToken);
        if (result.ExitCode != 0)
        {
            throw new HostException(
                HostErrorKind.EngineSilent,
                $"{unit} does not start: {result.Tail(2)}\n{LastLines(unit)}".TrimEnd(),
                $"See 'journalctl -u {unit}' for the whole log.",
                unit);
        }
    }
}
