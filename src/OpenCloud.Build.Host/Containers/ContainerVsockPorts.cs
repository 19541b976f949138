using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Containers;

/// <summary>
/// Opens and closes vsock ports of this machine, a virtual machine, for engines in containers. The units' texts are the only record: a run that
/// was interrupted is completed, or undone, by the next.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
public sealed class ContainerVsockPorts(IHostObserver observer)
{
    private static readonly TimeSpan LockTimeout = TimeSpan.FromMinutes(2);

    /// <summary>The port of an engine in a container; null when it has none.</summary>
    /// <param name="engine">The name of the container.</param>
    /// <param name="store">The address of the Docker Engine or the containerd that runs it.</param>
    public static uint? Find(string engine, string store) =>
        ContainerVsockUnits.IsEngine(engine) && PortOf(engine) is { } found && found.Store == store ? found.Port : null;

    /// <summary>Refuses what cannot be opened, before anything is changed.</summary>
    /// <exception cref="HostException">This machine or the request does not allow it.</exception>
    public static void Check(ContainerVsock wanted) => Units(wanted);

    /// <summary>Opens a port, or changes it. On failure the port is open that was before, if there was one.</summary>
    /// <param name="wanted">The port, and where it leads.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="HostException">It cannot be opened.</exception>
    public void Open(ContainerVsock wanted, CancellationToken cancellationToken)
    {
        ContainerVsockUnits units = Units(wanted);
        using HostLock held = HostLock.Take(LockTimeout, observer.Warning, cancellationToken);
        uint? previous = PortOf(wanted.Engine)?.Port;
        try
        {
            if (previous != wanted.Port)
            {
                observer.Warning($"AF_VSOCK has no users and no modes: every process on this machine and on its host has access to the engine through port {wanted.Port}, which is equivalent to root on this machine.");
            }

            Apply(units, Runner(cancellationToken));
        }
        catch
        {
            StepRunner undo = new(new Silent(observer), ChangeJournal.Empty(), CancellationToken.None);
            if (previous is null || previous == wanted.Port || !TryApply(units with { Wanted = wanted with { Port = previous.Value } }, undo))
            {
                Remove(wanted.Engine, undo);
            }

            throw;
        }
    }

    /// <summary>Closes the port of an engine in a container, if it has one.</summary>
    /// <param name="engine">The name of the container.</param>
    /// <param name="store">The address of the Docker Engine or the containerd that runs it.</param>
    /// <param name="cancellationToken">Stops between two steps; another run continues.</param>
    /// <exception cref="HostException">It cannot be closed.</exception>
    public void Close(string engine, string store, CancellationToken cancellationToken)
    {
        if (Find(engine, store) is null)
        {
            return;
        }

        AccountDatabase.RequireRoot("Closing a vsock port requires root.");
        using HostLock held = HostLock.Take(LockTimeout, observer.Warning, cancellationToken);
        Remove(engine, Runner(cancellationToken));
    }

    private StepRunner Runner(CancellationToken cancellationToken) => new(observer, ChangeJournal.Empty(), cancellationToken);

    private static void Apply(ContainerVsockUnits units, StepRunner runner)
    {
        string engine = units.Wanted.Engine;
        ManagedUnit unit = new(units.SocketUnit, null);
        runner.Run(ContainerVsockUnits.ServicePaths(engine).Where(path => path != units.ServicePath).Select(RemoveFile));
        runner.Run(Unrecorded(FileSteps.Write(units.SocketPath, units.Socket)));
        runner.Run(Unrecorded(FileSteps.Write(units.ServicePath, units.Service)));
        bool changed = runner.AnyChanged;
        runner.Run(Unrecorded(SystemSteps.Enable(unit)));
        runner.Run(Unrecorded(SystemSteps.Start(unit, unit.IsActive, changed, token =>
        {
            // systemd refuses to restart a socket whose service runs.
            StopServices(engine);
            Systemctl.Restart(units.SocketUnit, token);
        })));
    }

    private bool TryApply(ContainerVsockUnits units, StepRunner runner)
    {
        try
        {
            Apply(units, runner);
            return true;
        }
        catch (Exception error) when (error is HostException or IOException or UnauthorizedAccessException)
        {
            observer.Warning($"The previous vsock port {units.Wanted.Port} is closed: {error.Message}");
            return false;
        }
    }

    private static ContainerVsockUnits Units(ContainerVsock wanted)
    {
        AccountDatabase.RequireRoot("Opening a vsock port requires root.");
        if (wanted.Port is 0 or uint.MaxValue)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"{wanted.Port} is not a vsock port.", "Use a port between 1 and 4294967294.");
        }

        string inner = wanted.Socket ?? wanted.DockerSocket ?? string.Empty;
        if (!ContainerVsockUnits.IsEngine(wanted.Engine) || !ContainerVsockUnits.IsPlain(inner) || !ContainerVsockUnits.IsPlain(wanted.Store))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"No unit of systemd can name the container '{AccountDatabase.Printable(wanted.Engine)}' at '{AccountDatabase.Printable(wanted.Store)}'.", "Use a shorter name, and a socket whose path has only letters, digits and '/._-'.", wanted.Engine);
        }

        if (!Systemctl.IsRunning)
        {
            throw new HostException(HostErrorKind.Unsupported, "systemd, which opens vsock ports for containers, does not run on this machine.", "Use a machine with systemd, or do not use -VsockPort.");
        }

        if (wanted.Socket is not null && !File.Exists(Isolation.Proxy))
        {
            throw new HostException(HostErrorKind.Unsupported, $"The program {Isolation.Proxy}, which connects vsock to the engine, does not exist.", "Install the systemd package that contains it, or do not use -VsockPort.");
        }

        string? docker = wanted.Socket is not null ? null : HostCommand.Find("docker")
            ?? throw new HostException(HostErrorKind.Unsupported, "The program 'docker', which connects vsock to the engine in a container, is not in a system directory.", "Install it, for example with 'apt-get install docker-cli', or do not use -VsockPort.");
        ContainerVsockUnits units = new(wanted, docker);
        foreach (string path in (string[])[units.SocketPath, .. ContainerVsockUnits.ServicePaths(wanted.Engine)])
        {
            FileSteps.RequireOurs(path, path == units.SocketPath ? units.Socket : units.Service, null);
        }

        return PortOf(wanted.Engine) is { } other && other.Store != wanted.Store
            ? throw new HostException(HostErrorKind.Conflict, $"The container '{wanted.Engine}' of {other.Store} has the vsock port {other.Port} under this name.", "Use another name for one of the two containers.", wanted.Engine)
            : units;
    }

    // Only a text that nobody edited counts.
    private static (string Store, uint Port)? PortOf(string engine)
    {
        string path = ContainerVsockUnits.PathOf(ContainerVsockUnits.SocketUnitOf(engine));
        return OwnedText.OwnerOf(path) == TextOwner.Module ? ContainerVsockUnits.Parse(OwnedText.Body(path)) : null;
    }

    private static void Remove(string engine, StepRunner runner)
    {
        ManagedUnit unit = new(ContainerVsockUnits.SocketUnitOf(engine), null);

        // One that failed is to be forgotten as well.
        runner.Run(new HostStep(StepKind.Unit, unit.Name, "Stop the unit", () => unit.State is "inactive" or "", static () => null, _ =>
        {
            unit.TryStop();
            StopServices(engine);
        }));
        runner.Run(new HostStep(StepKind.Unit, unit.Name, "Disable the unit", () => !unit.IsEnabled, static () => null, _ => unit.TryDisable()));

        // The socket's file is the record, so it goes last.
        runner.Run(ContainerVsockUnits.ServicePaths(engine).Append(ContainerVsockUnits.PathOf(unit.Name)).Select(RemoveFile));
        Systemctl.TryReload();
    }

    private static void StopServices(string engine)
    {
        Systemctl.TryStop($"opencloud-build-{engine}-vsock.service");
        Systemctl.TryStop($"opencloud-build-{engine}-vsock@*.service");
    }

    private static HostStep RemoveFile(string path) => new(
        StepKind.File, path, "Remove the file", () => OwnedText.OwnerOf(path) != TextOwner.Module, static () => null, _ => File.Delete(path));

    // The units are their own record.
    private static HostStep Unrecorded(HostStep step) => step with { Prepare = static () => null };

    /// <summary>Approves what undoes a failed run, without asking.</summary>
    private sealed class Silent(IHostObserver observer) : IHostObserver
    {
        public bool Approve(HostStepInfo step) => true;

        public void Report(HostStepOutcome outcome) => observer.Report(outcome);

        public void Verbose(string text) => observer.Verbose(text);

        public void Warning(string text) => observer.Warning(text);

        public void Progress(string activity, string status, double? fraction)
        {
        }
    }
}
