using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Prepares this host for builds: the programs, what the engine needs, its settings and its units. One sequence serves every
/// <see cref="EngineLayout"/>: root's engine with or without a network, and a rootless one. Each step asks first, is skipped when already
/// done, and is undone when a later step fails. The installation succeeds only when the engine answers its intended clients.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
/// <param name="probe">Queries the engine over gRPC.</param>
/// <param name="client">The HTTP client for downloads; null creates one.</param>
public sealed class BuildKitInstaller(IHostObserver observer, EngineProbe probe, HttpClient? client = null)
{
    /// <summary>Installs BuildKit, or completes an installation.</summary>
    /// <param name="options">The requested installation.</param>
    /// <param name="planOnly">Only reports the planned changes (<see cref="IHostObserver.Approve"/> must then return false); needs no root.</param>
    /// <param name="cancellationToken">Stops the work and rolls it back.</param>
    /// <exception cref="HostException">The installation failed; the host is unchanged.</exception>
    public Task<InstallResult> InstallAsync(InstallOptions options, bool planOnly, CancellationToken cancellationToken)
        => RunAsync(new InstallRun(observer, options, update: false, planOnly, cancellationToken));

    /// <summary>Changes the version, and returns to the previous one when the new engine does not answer.</summary>
    /// <param name="options">The version and its source; prefix, worker, namespace, group and layout stay as installed.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <param name="cancellationToken">Stops the work and rolls it back.</param>
    /// <exception cref="HostException">The update failed; the host is unchanged.</exception>
    public Task<InstallResult> UpdateAsync(InstallOptions options, bool planOnly, CancellationToken cancellationToken)
        => RunAsync(new InstallRun(observer, options, update: true, planOnly, cancellationToken));

    private async Task<InstallResult> RunAsync(InstallRun run)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new HostException(HostErrorKind.Unsupported, "BuildKit can only be installed on Linux.");
        }

        // The plan of a rootless engine determines the lock, and is made again under it: another run may have changed the host meanwhile.
        bool rootless = run.Options.Rootless is not null;
        RootlessLayout? draft = rootless ? RootlessLayout.Create(run) : null;
        if (!rootless && !run.PlanOnly)
        {
            SystemLayout.RequireRoot();
        }

        using HostLock? hostLock = run.PlanOnly ? null
            : draft?.Paths.TakeLock(run.Options.LockTimeout, observer.Warning, run.CancellationToken) ?? HostLock.Take(run.Options.LockTimeout, observer.Warning, run.CancellationToken);
        if (!run.PlanOnly)
        {
            run.OpenJournal(draft?.Records ?? ChangeJournal.StateDirectory);
        }

        EngineLayout layout = !rootless ? SystemLayout.Create(run) : run.PlanOnly ? draft! : RootlessLayout.Create(run);
        foreach (string vulnerability in KnownReleases.VulnerabilitiesOf(layout.Plan.Version))
        {
            run.Warn($"BuildKit {layout.Plan.Version}: {vulnerability}.");
        }

        try
        {
            return await run.Runner.GuardAsync(() => ApplyAsync(run, layout)).ConfigureAwait(false);
        }
        finally
        {
            if (!run.PlanOnly)
            {
                layout.DropEmptyRecords();
            }
        }
    }

    private async Task<InstallResult> ApplyAsync(InstallRun run, EngineLayout layout)
    {
        run.Restored = layout.Running;
        layout.Begin();

        // The archive comes first: the host is not changed before it is verified.
        ProgramSteps programs = new(layout.Prefix, layout.Plan.Manifest, run.BeforeExchange, layout.AsRoot);
        ArchiveSteps archives = new(run, layout, programs, client);
        bool staged = archives.Stage();
        layout.BeforePrograms();
        if (archives.InPlace)
        {
            run.Runner.Run(programs.Present());
        }
        else if (staged || run.PlanOnly)
        {
            run.Runner.Run(programs.Exchange());
        }

        layout.WriteTexts();
        EngineAnswer? engine = null;
        if (layout.RequireManager())
        {
            bool start = (!run.Options.NoStart && !layout.IsBlocked) || run.WasActive;
            layout.StartUnits(start);
            if (start && !run.PlanOnly && !run.Runner.AnySkipped)
            {
                observer.Progress("Starting BuildKit", "waiting for its answer", null);
                engine = await layout.Verifier().VerifyAsync(layout.Plan.Version, run.Options.AnswerTimeout, probe, run.CancellationToken).ConfigureAwait(false);
            }
        }

        layout.Retire();
        if (!run.PlanOnly)
        {
            Commit(run, layout, programs, archives);
        }

        return new InstallResult
        {
            Version = layout.Plan.Version.ToString(),
            PreviousVersion = layout.Plan.Installed?.Version,
            Prefix = layout.Prefix,
            Worker = layout.Worker,
            Isolated = layout.Isolation is not null,
            VsockPort = layout.Isolation?.VsockPort,
            ListenTcp = layout.Tls?.Address,
            Group = layout.Group,
            User = layout.User,
            Address = layout.Address,
            RootScript = layout.RootScript(engine),
            Changed = run.Runner.AnyChanged,
            Integrity = archives.Integrity,
            Engine = engine,
            Steps = run.Runner.Outcomes,
            Messages = run.Messages,
        };
    }

    /// <summary>Turns the journal into the manifest.</summary>
    private static void Commit(InstallRun run, EngineLayout layout, ProgramSteps programs, ArchiveSteps archives)
    {
        if (run.Journal.Changes.Count == 0 && layout.Retired.Count == 0)
        {
            return;
        }

        // The packages a step brought are those present before the next such step, minus those present before it.
        PackagesInstalled[] packages = run.Journal.Changes.OfType<PackagesInstalled>().Where(package => package.Added is null).ToArray();
        IReadOnlyList<string>[] after = packages.Skip(1).Select(package => package.Before).Append(packages.Length > 0 ? Packages.Installed() : []).ToArray();
        HostChange[] added = programs.KeepReplaced(programs.DropStage(run.Journal.Changes)).Select(change => Array.IndexOf(packages, change) is >= 0 and var i
            ? packages[i] with { Added = [.. after[i].Except(packages[i].Before)], Before = [] }
            : change).ToArray();
        new InstallationManifest
        {
            Version = layout.Plan.Version.ToString(),
            Prefix = layout.Prefix,
            Worker = layout.Worker,
            Isolated = layout.Isolation is not null,
            VsockPort = layout.Isolation?.VsockPort,
            ListenTcp = layout.Tls?.Address,
            CertificateDirectory = layout.Tls?.Directory,
            Namespace = layout.Namespace,
            Group = layout.Group,
            InstalledAt = DateTimeOffset.UtcNow,
            Integrity = archives.Integrity,
            Programs = programs.Programs,
            Previous = layout.Plan.Manifest?.PreviousAfter(programs.Programs),
            Changes = InstallationManifest.Merge((layout.Plan.Manifest?.Changes ?? []).Except(layout.Retired), added),
            Rootless = layout.Facts(archives),
        }.Save(layout.Records);
        run.Journal.Close();
    }
}
