using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Prepares this host for builds: containerd, BuildKit's programs, the group, the socket's directory, the units and the settings.
/// Each step asks first, is skipped when already done, and is undone when a later step fails. The installation succeeds only when
/// the engine answers a member of the group.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
/// <param name="probe">Queries the engine over gRPC.</param>
/// <param name="client">The HTTP client for downloads; null creates one.</param>
public sealed class BuildKitInstaller(IHostObserver observer, EngineProbe probe, HttpClient? client = null)
{
    private readonly List<string> _messages = [];

    /// <summary>Installs BuildKit, or completes an installation.</summary>
    /// <param name="options">The requested installation.</param>
    /// <param name="planOnly">Only reports the planned changes (<see cref="IHostObserver.Approve"/> must then return false); needs no root.</param>
    /// <param name="cancellationToken">Stops the work and rolls it back.</param>
    /// <exception cref="HostException">The installation failed; the host is unchanged.</exception>
    public Task<InstallResult> InstallAsync(InstallOptions options, bool planOnly, CancellationToken cancellationToken)
        => RunAsync(options, update: false, planOnly, cancellationToken);

    /// <summary>Changes the version, and returns to the previous one when the new engine does not answer.</summary>
    /// <param name="options">The version and its source; prefix, worker, namespace and group stay as installed.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <param name="cancellationToken">Stops the work and rolls it back.</param>
    /// <exception cref="HostException">The update failed; the host is unchanged.</exception>
    public Task<InstallResult> UpdateAsync(InstallOptions options, bool planOnly, CancellationToken cancellationToken)
        => RunAsync(options, update: true, planOnly, cancellationToken);

    private async Task<InstallResult> RunAsync(InstallOptions options, bool update, bool planOnly, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new HostException(HostErrorKind.Unsupported, "BuildKit can only be installed on Linux.");
        }

        if (!planOnly && Identity.Current().Uid != 0)
        {
            throw new HostException(HostErrorKind.NotRoot, "Changing this host requires root.", "Run the command as root.");
        }

        // The manifest is read under the lock: the run that held it may have written the manifest.
        using HostLock? hostLock = planOnly ? null : HostLock.Take(options.LockTimeout, observer.Warning, cancellationToken);
        InstallationManifest? manifest = InstallationManifest.Load();
        ChangeJournal journal = planOnly ? ChangeJournal.Empty() : ChangeJournal.Open();
        if (journal.Changes.Count > 0)
        {
            observer.Warning("An earlier run was interrupted; it is completed now.");
        }

        if (journal.Changes.Any(change => change is PackagesInstalled { Added: null }))
        {
            // A package that is unpacked but not configured has its programs in place and looks installed.
            Packages.Repair();
        }

        void Refresh()
        {
            observer.Progress("Looking for a fixed version of containerd", "apt-get update", null);
            if (Packages.Refresh(cancellationToken) is { } why)
            {
                Warn($"The package lists cannot be updated ({why}); the existing lists are used to find a fixed containerd.");
            }
        }

        InstallPlan plan = InstallPlan.Make(options, manifest, update, Warn, planOnly ? null : Refresh);

        StepRunner runner = new(observer, journal);
        try
        {
            return await runner.GuardAsync(() => ApplyAsync(options, plan, manifest, journal, runner, planOnly, cancellationToken)).ConfigureAwait(false);
        }
        catch
        {
            if (!planOnly)
            {
                TextSteps.DropUnusedBackups(manifest?.Changes ?? []);
                ChangeJournal.RemoveStateIfEmpty();
            }

            throw;
        }
    }

    private async Task<InstallResult> ApplyAsync(
        InstallOptions options,
        InstallPlan plan,
        InstallationManifest? manifest,
        ChangeJournal journal,
        StepRunner runner,
        bool planOnly,
        CancellationToken cancellationToken)
    {
        UnitTemplates texts = plan.Texts;
        bool wasActive = plan.Systemd && Systemctl.IsActive(SystemPaths.ServiceUnit);
        bool exchanged = false;
        void BeforeExchange()
        {
            if (wasActive && !exchanged)
            {
                journal.Append(new ServiceRestored(SystemPaths.ServiceUnit, SystemPaths.SocketUnit));
            }

            exchanged = true;
        }

        // The archive comes first: the host is not changed before it is verified.
        ProgramSteps programs = new(texts.Prefix, manifest, BeforeExchange);
        bool inPlace = !options.Rollback && programs.AreInPlace(plan.Version.ToString(), options.Sha256);
        IntegrityResult? integrity = options.Rollback ? manifest!.Previous!.Integrity : inPlace ? manifest!.Integrity : null;
        bool staged = !inPlace && Acquire(options, plan, programs, runner, proof => integrity = proof, cancellationToken);

        IsolationSteps isolation = new(plan, manifest, BeforeExchange);
        SystemdSteps? systemd = plan.Systemd ? new SystemdSteps(plan, observer, BeforeExchange, _messages, isolation) : null;
        systemd?.BeforePrograms(runner, cancellationToken);
        if (staged || (planOnly && !inPlace))
        {
            foreach (HostStep step in programs.Exchange())
            {
                runner.Run(step, cancellationToken);
            }
        }
        else if (inPlace)
        {
            foreach (string? name in programs.Programs.Keys.Order(StringComparer.Ordinal))
            {
                runner.Run(new HostStep(StepKind.File, Path.Combine(texts.Prefix, "bin", name), "Install the program", () => true, () => null, _ => { }), cancellationToken);
            }
        }

        EngineAnswer? engine = null;
        if (systemd is null)
        {
            Warn($"This host does not use systemd: the programs are installed in {texts.Prefix}/bin and nothing was started. Invoke-ImageBuild -Daemonless starts an engine for one build.");
        }
        else
        {
            systemd.AfterPrograms(runner, options.NoStart, wasActive, () => exchanged, cancellationToken);
            isolation.Vsock(runner, !options.NoStart || wasActive, cancellationToken);
            if (!planOnly && !runner.AnySkipped && (!options.NoStart || wasActive))
            {
                observer.Progress("Starting BuildKit", "waiting for its answer", null);
                engine = await EngineVerifier.VerifyAsync(texts.Group, options.AnswerTimeout, probe, cancellationToken).ConfigureAwait(false);
                RequireVersion(plan.Version, engine);
            }
        }

        isolation.Retire(runner, Warn, cancellationToken);
        if (texts.Isolation?.VsockPort is { } port && (manifest?.VsockPort != port || planOnly))
        {
            Warn($"AF_VSOCK has no users and no modes: every process on this machine and on its host has access to the engine through port {port}, which is equivalent to root on this machine.");
        }

        if (!planOnly)
        {
            Commit(plan, manifest, journal, programs, integrity, isolation.Retired);
        }

        return new InstallResult
        {
            Version = plan.Version.ToString(),
            PreviousVersion = manifest is { IsInstalled: true } ? manifest.Version : null,
            Prefix = texts.Prefix,
            Worker = texts.Worker,
            Isolated = texts.Isolation is not null,
            VsockPort = texts.Isolation?.VsockPort,
            Group = texts.Group,
            Address = systemd is null ? null : "unix://" + SystemPaths.SocketPath,
            Changed = runner.AnyChanged,
            Integrity = integrity,
            Engine = engine,
            Steps = runner.Outcomes,
            Messages = _messages,
        };
    }

    private bool Acquire(
        InstallOptions options,
        InstallPlan plan,
        ProgramSteps programs,
        StepRunner runner,
        Action<IntegrityResult> proven,
        CancellationToken cancellationToken)
    {
        using HttpClient? owned = client is null ? ReleaseDownload.CreateClient() : null;
        ReleaseAcquisition acquisition = new(options, plan.Version, InstallOptions.HostArchitecture, observer, client ?? owned!);
        if (!options.Rollback)
        {
            acquisition.CheckSource();
        }

        foreach (HostStep step in programs.Folders())
        {
            runner.Run(step, cancellationToken);
        }

        HostStep fill = options.Rollback
            ? programs.Fill(programs.PreviousDirectory, $"Download BuildKit {plan.Version} from", inPlace: false, (stage, _) => programs.FillFromPrevious(stage))
            : programs.Fill(acquisition.Origin, $"Verify and unpack BuildKit {plan.Version} from", inPlace: false, async (stage, stop) => proven(await acquisition.UnpackAsync(stage, stop).ConfigureAwait(false)));
        if (!runner.Run(fill, cancellationToken))
        {
            return false;
        }

        programs.NoteStaged();
        return true;
    }

    private static void Commit(
        InstallPlan plan,
        InstallationManifest? manifest,
        ChangeJournal journal,
        ProgramSteps programs,
        IntegrityResult? integrity,
        IReadOnlyCollection<HostChange> retired)
    {
        if (journal.Changes.Count == 0 && retired.Count == 0)
        {
            return;
        }

        IEnumerable<HostChange> added = programs.KeepReplaced(programs.DropStage(journal.Changes)).Select(change => change is PackagesInstalled packages
            ? packages with { Added = [.. Packages.Installed().Except(packages.Before)], Before = [] }
            : change);
        IReadOnlyList<HostChange> changes = InstallationManifest.Merge((manifest?.Changes ?? []).Except(retired), added);
        new InstallationManifest
        {
            Version = plan.Version.ToString(),
            Prefix = plan.Texts.Prefix,
            Worker = plan.Texts.Worker,
            Isolated = plan.Texts.Isolation is not null,
            VsockPort = plan.Texts.Isolation?.VsockPort,
            Namespace = plan.Texts.Namespace,
            Group = plan.Texts.Group,
            InstalledAt = DateTimeOffset.UtcNow,
            Integrity = integrity,
            Programs = programs.Programs,
            Previous = manifest?.PreviousAfter(programs.Programs),
            Changes = changes,
        }.Save();
        TextSteps.DropUnusedBackups(changes);
        journal.Close();
    }

    private static void RequireVersion(BuildKitVersion wanted, EngineAnswer engine)
    {
        // Custom builds may report no version or an odd one; a plain other version means that the old program still runs.
        if (engine.Version.Length > 0 && char.IsAsciiDigit(engine.Version.TrimStart('v')[0]) && !engine.Version.Contains('+', StringComparison.Ordinal) &&
            engine.Version.TrimStart('v') != wanted.ToString().TrimStart('v'))
        {
            throw new HostException(
                HostErrorKind.EngineSilent,
                $"The version of the running engine is {engine.Version}, not {wanted}.",
                "Check that the archive has the requested version.",
                SystemPaths.SocketPath);
        }

        if (engine.Workers.Count == 0)
        {
            throw new HostException(HostErrorKind.EngineSilent, "The engine answers, but has no worker.", $"See 'journalctl -u {SystemPaths.ServiceUnit}'.", SystemPaths.SocketPath);
        }
    }

    private void Warn(string text)
    {
        _messages.Add(text);
        observer.Warning(text);
    }
}
