using System.Net.Sockets;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Releases;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Installs a rootless engine for a user: prerequisites, subordinate ids, lingering, RootlessKit, BuildKit, settings and a unit.
/// Each step asks first, is skipped when already done, and is undone when a later step fails. Run by root, it does everything.
/// Run by a user, it does the user's part and returns root's part as a script. It succeeds only when the engine answers that user.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
/// <param name="probe">Queries the engine over gRPC.</param>
/// <param name="client">The HTTP client for downloads; null creates one.</param>
public sealed class RootlessInstaller(IHostObserver observer, EngineProbe probe, HttpClient? client = null)
{
    private readonly List<string> _messages = [];

    /// <summary>Installs the engine, completes an installation, or changes its version.</summary>
    /// <param name="options">The requested installation.</param>
    /// <param name="planOnly">Only reports the planned changes (<see cref="IHostObserver.Approve"/> must then return false).</param>
    /// <param name="cancellationToken">Stops the work and rolls it back.</param>
    /// <exception cref="HostException">The installation failed; the host is unchanged.</exception>
    public async Task<InstallResult> InstallAsync(RootlessOptions options, bool planOnly, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new HostException(HostErrorKind.Unsupported, "BuildKit can only be installed on Linux.");
        }

        // Planned twice: another run may have changed the host while this one waited for the lock.
        RootlessPlan first = RootlessPlan.Make(options, planOnly, new HostView());
        using HostLock? hostLock = planOnly ? null : TakeLock(first.Layout, options.Release.LockTimeout, observer.Warning, cancellationToken);
        RootlessPlan plan = planOnly ? first : RootlessPlan.Make(options, planOnly, new HostView());
        foreach (string known in KnownReleases.VulnerabilitiesOf(plan.Version))
        {
            Warn($"BuildKit {plan.Version}: {known}.");
        }

        foreach (RootlessPrecheck? check in plan.Checks.Where(check => check.State == CheckState.Warning && check.Package is null))
        {
            Warn($"{check.Name}: {check.Evidence}. {check.Remedy}");
        }

        ChangeJournal journal = planOnly ? ChangeJournal.Empty() : ChangeJournal.Open(plan.Layout.Records);
        if (journal.Changes.Count > 0)
        {
            observer.Warning("An earlier run was interrupted; it is completed now.");
        }

        if (!planOnly && !plan.Layout.AsRoot)
        {
            // Its parents go with it, and not before: they are no step of their own.
            ChangeJournal.EnsureState(plan.Layout.Records);
        }

        StepRunner runner = new(observer, journal);
        try
        {
            return await runner.GuardAsync(() => ApplyAsync(options, plan, journal, runner, planOnly, cancellationToken)).ConfigureAwait(false);
        }
        finally
        {
            if (!planOnly)
            {
                plan.Layout.DropEmptyRecords();
            }
        }
    }

    /// <summary>Takes root's lock; otherwise one in the user's runtime directory, or in the user's home when that is missing.</summary>
    internal static HostLock TakeLock(RootlessPaths layout, TimeSpan patience, Action<string> report, CancellationToken cancellationToken)
    {
        if (layout.AsRoot || Directory.Exists(layout.RuntimeDirectory))
        {
            return HostLock.Take(patience, report, cancellationToken, layout.LockPath);
        }

        string path = $"{layout.User.Home}/.opencloud.build.lock/lock";
        return HostLock.Take(patience, report, cancellationToken, path, remove: true);
    }

    private async Task<InstallResult> ApplyAsync(
        RootlessOptions options,
        RootlessPlan plan,
        ChangeJournal journal,
        StepRunner runner,
        bool planOnly,
        CancellationToken cancellationToken)
    {
        InstallationManifest? manifest = plan.Manifest;
        bool wasActive = !plan.NewUser && plan.Unit.IsActive;
        if (!wasActive && !plan.NewUser && !planOnly)
        {
            RefuseForeignEngine(plan);
        }

        bool exchanged = false;
        void BeforeExchange()
        {
            if (wasActive && !exchanged)
            {
                journal.Append(new RootlessUnitRestored(plan.Layout.Unit, plan.Unit.User));
            }

            exchanged = true;
        }

        // The archives come first: the host is not changed before they are verified.
        ProgramSteps programs = new(plan.Layout.Prefix, manifest, BeforeExchange, plan.Layout.AsRoot);
        ArchiveSteps archives = new(options, plan, programs, observer, client);
        bool staged = archives.Stage(runner, cancellationToken);

        AccountSteps account = new(plan, journal, runner, observer, _messages);
        RootScript script = plan.Script();
        plan = account.BeforePrograms(script, cancellationToken);
        if (staged || (planOnly && !archives.InPlace))
        {
            foreach (HostStep step in programs.Exchange())
            {
                runner.Run(step, cancellationToken);
            }
        }
        else if (archives.InPlace)
        {
            foreach (string? name in programs.Programs.Keys.Order(StringComparer.Ordinal))
            {
                runner.Run(new HostStep(StepKind.File, Path.Combine(plan.Layout.Prefix, "bin", name), "Install the program", () => true, () => null, _ => { }), cancellationToken);
            }
        }

        account.Profile(cancellationToken);
        account.Texts(BeforeExchange, cancellationToken);

        // Without root's part the engine would not start; once root has done it, the next run starts the engine.
        bool blocked = plan.Layout.AsRoot ? false : plan.Checks.Any(check => check.State == CheckState.Failed);
        bool reachable = planOnly || plan.Unit.CanBeAsked;
        if (!reachable && !blocked)
        {
            Warn($"The service manager of {plan.Layout.User.Name} is not running. Log in, or run the script as root, then run the command again.");
        }

        EngineAnswer? engine = null;
        bool start = !options.Release.NoStart && !blocked && reachable;
        if (reachable)
        {
            account.Unit(start || wasActive, () => exchanged, wasActive, cancellationToken);
        }

        if (!planOnly && !runner.AnySkipped && (start || (wasActive && reachable)))
        {
            observer.Progress("Starting BuildKit", "waiting for its answer", null);
            engine = await RootlessVerifier.VerifyAsync(plan.Layout, plan.Unit, options.Release.AnswerTimeout, probe, cancellationToken).ConfigureAwait(false);
            RequireVersion(plan, engine);
        }

        if (!planOnly)
        {
            Commit(plan, journal, programs, archives);
        }

        return Result(options, plan, runner, archives, script, engine, planOnly);
    }

    private InstallResult Result(RootlessOptions options, RootlessPlan plan, StepRunner runner, ArchiveSteps archives, RootScript script, EngineAnswer? engine, bool planOnly)
    {
        string? text = script.IsEmpty ? null : script.ToString();
        if (!planOnly && !plan.Layout.AsRoot)
        {
            KeepScript(plan, text);
        }

        if (text is not null)
        {
            Warn(planOnly
                ? $"Commands to run as root:\n{text}"
                : $"Commands to run as root{(engine is null && !options.Release.NoStart ? "; then run Install-BuildKit -Rootless again" : string.Empty)}: sudo sh {plan.Layout.Records}/as-root.sh\n{text}");
        }

        return new InstallResult
        {
            Version = plan.Version.ToString(),
            PreviousVersion = plan.Manifest is { IsInstalled: true } ? plan.Manifest.Version : null,
            Prefix = plan.Layout.Prefix,
            Worker = BuildKitWorker.Oci,
            Group = plan.Layout.User.Name,
            User = plan.Layout.User.Name,
            Address = planOnly && plan.NewUser ? null : "unix://" + plan.Layout.Socket,
            RootScript = text,
            Changed = runner.AnyChanged,
            Integrity = archives.Integrity,
            Engine = engine,
            Steps = runner.Outcomes,
            Messages = _messages,
        };
    }

    private static void KeepScript(RootlessPlan plan, string? text)
    {
        string path = $"{plan.Layout.Records}/as-root.sh";
        if (text is null)
        {
            File.Delete(path);
        }
        else
        {
            WholeFile.Write(path, text, RootlessSteps.Readable);
        }
    }

    private static void Commit(RootlessPlan plan, ChangeJournal journal, ProgramSteps programs, ArchiveSteps archives)
    {
        if (journal.Changes.Count == 0)
        {
            return;
        }

        // The packages a step brought are those present before the next step, minus those present before it.
        PrerequisiteInstalled[] packages = journal.Changes.OfType<PrerequisiteInstalled>().Where(package => package.Added is null).ToArray();
        IReadOnlyList<string>[] after = packages.Skip(1).Select(package => package.Before).Append(packages.Length > 0 ? Packages.Installed() : []).ToArray();
        HostChange[] added = programs.KeepReplaced(programs.DropStage(journal.Changes)).Select(change => Array.IndexOf(packages, change) is >= 0 and var i
            ? packages[i] with { Added = [.. after[i].Except(packages[i].Before)], Before = [] }
            : change).ToArray();
        new InstallationManifest
        {
            Version = plan.Version.ToString(),
            Prefix = plan.Layout.Prefix,
            Worker = BuildKitWorker.Oci,
            Namespace = string.Empty,
            Group = plan.Layout.User.Name,
            InstalledAt = DateTimeOffset.UtcNow,
            Integrity = archives.Integrity,
            Programs = programs.Programs,
            Previous = plan.Manifest?.PreviousAfter(programs.Programs),
            Changes = InstallationManifest.Merge(plan.Manifest?.Changes ?? [], added),
            Rootless = new RootlessFacts
            {
                User = plan.Layout.User.Name,
                Uid = plan.Layout.User.Uid,
                Home = plan.Layout.User.Home,
                State = plan.Layout.State,
                SystemUnit = plan.Layout.SystemUnit,
                RootlessKit = plan.RootlessKit,
                RootlessKitPrograms = archives.RootlessKitPrograms,
                RootlessKitIntegrity = archives.RootlessKitIntegrity,
            },
        }.Save(plan.Layout.Records);
        journal.Close();
    }

    private static void RequireVersion(RootlessPlan plan, EngineAnswer engine)
    {
        if (engine.Version.Length > 0 && char.IsAsciiDigit(engine.Version.TrimStart('v')[0]) && !engine.Version.Contains('+', StringComparison.Ordinal) &&
            engine.Version.TrimStart('v') != plan.Version.ToString().TrimStart('v'))
        {
            throw new HostException(HostErrorKind.EngineSilent, $"The version of the running engine is {engine.Version}, not {plan.Version}.", "Check that the archive has the requested version.", plan.Layout.Socket);
        }

        if (engine.Workers.Count == 0)
        {
            throw new HostException(HostErrorKind.EngineSilent, "The engine answers, but has no worker.", plan.Unit.LogCommand, plan.Layout.Socket);
        }
    }

    private static void RefuseForeignEngine(RootlessPlan plan)
    {
        try
        {
            if (!File.Exists(plan.Layout.Socket))
            {
                return;
            }

            using Socket socket = UnixSocket.Connect(plan.Layout.Socket, UnixSocket.Patience, CancellationToken.None);
            PeerCredentials peer = PeerCredentials.Of(socket);
            throw new HostException(
                HostErrorKind.Conflict,
                $"{peer.Program ?? "A process"} ({peer.Pid}, {Systemd.Systemctl.UnitOf(peer.Pid) ?? "no unit"}) already listens on {plan.Layout.Socket}.",
                "Stop it and disable its unit, then run the command again.",
                plan.Layout.Socket);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // No listener: a stale file, which buildkitd replaces.
        }
    }

    private void Warn(string text)
    {
        _messages.Add(text);
        observer.Warning(text);
    }
}
