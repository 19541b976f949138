using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Containerd;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// Packages were installed. AbsentBefore has the directories that their programs create and that did not exist before. Added is null while
/// the installation runs, then the difference to the packages before. Before has every package with files on the host, also one that is not
/// configured: it is not this module's to remove.
/// </summary>
internal sealed record PackagesInstalled(
    string Target,
    IReadOnlyList<string> Before,
    IReadOnlyList<string> AbsentBefore,
    IReadOnlyList<string>? Added) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        if (Target == ContainerdPresence.Package)
        {
            ContainerdAccess.Close(dropGroup: true);
        }

        if (Added is null)
        {
            Packages.Repair();
        }

        string[] added = (Added ?? Packages.Present().Except(Before)).Intersect(Packages.Known()).ToArray();
        if (added.Length > 0)
        {
            Packages.Purge(added);
        }

        foreach (string? directory in AbsentBefore.Where(Directory.Exists))
        {
            // Configuration that somebody added later does not belong to containerd and stays.
            bool state = directory.StartsWith("/var/", StringComparison.Ordinal) || directory.StartsWith("/run/", StringComparison.Ordinal);
            if (state || !Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Any())
            {
                TreeRemoval.Remove(directory);
            }
            else
            {
                report($"'{directory}' contains files of other software and is kept.");
            }
        }
    }

    /// <summary>A run that was interrupted before apt had installed anything, and the next one, recorded the same package.</summary>
    public override HostChange Merge(HostChange later)
        => later is PackagesInstalled { Added: { } more } ? this with { Added = [.. (Added ?? []).Union(more, StringComparer.Ordinal)] } : this;
}

/// <summary>A unit was enabled. User is null for the system's manager.</summary>
internal sealed record UnitEnabled(string Target, string? User = null) : HostChange(Target)
{
    public override void Undo(Action<string> report) => new ManagedUnit(Target, User).TryDisable();
}

/// <summary>A stopped unit was started. User is null for the system's manager.</summary>
internal sealed record UnitStarted(string Target, string? User = null) : HostChange(Target)
{
    public override void Undo(Action<string> report) => new ManagedUnit(Target, User).TryStop();
}

/// <summary>
/// A unit, and its socket if it has one, ran before the files were replaced. Recorded first, so it is undone last, when the old files are
/// restored: it then restarts the unit from those.
/// </summary>
internal sealed record UnitRestored(string Target, string? User = null, string? Socket = null) : HostChange(Target)
{
    public override void Undo(Action<string> report)
    {
        ManagedUnit unit = new(Target, User);
        unit.Reload();
        if (Socket is not null)
        {
            // systemd refuses to restart a socket whose service runs.
            unit.TryStop();
            Systemctl.Restart(Socket);
        }

        unit.Restart();
    }
}
