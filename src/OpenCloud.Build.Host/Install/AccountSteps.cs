using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>The steps of a rootless installation besides the programs: packages, the user and its settings, texts, and the unit.</summary>
internal sealed class AccountSteps(RootlessPlan plan, ChangeJournal journal, StepRunner runner, IHostObserver observer, List<string> messages)
{
    private readonly HashSet<string> _folders = [];
    private RootlessPlan _plan = plan;

    private RootlessPaths Layout => _plan.Layout;

    /// <summary>Runs the steps that fail most often before any program is replaced: packages, the user, subordinate ids and lingering.</summary>
    /// <returns>The plan, updated with a newly created user.</returns>
    public RootlessPlan BeforePrograms(RootScript script, CancellationToken cancellationToken)
    {
        if (Layout.AsRoot)
        {
            Packages(cancellationToken);
            User(cancellationToken);
            Subordinate("/etc/subuid", cancellationToken);
            Subordinate("/etc/subgid", cancellationToken);
        }

        Linger(script, cancellationToken);
        return _plan;
    }

    /// <summary>Installs the AppArmor profile for rootlesskit where AppArmor requires one.</summary>
    public void Profile(CancellationToken cancellationToken)
    {
        if (!Layout.AsRoot || !_plan.WantsProfile)
        {
            return;
        }

        // The program is now in place; only now can its real path be resolved.
        HostView view = new();
        string program = view.RealPath(_plan.RootlessKit);
        (string File, bool? IsLoaded)? found = AppArmorProfile.Find(view, program);
        if (found is { IsLoaded: not false })
        {
            return;
        }

        string? file = found?.File;
        if (file is null)
        {
            AppArmorProfile profile = AppArmorProfile.For(program);
            file = profile.Path;
            runner.Run(RootlessSteps.Write(file, profile.Text, null), cancellationToken);
        }

        runner.Run(
            new HostStep(
                StepKind.File,
                file,
                "Load the AppArmor profile",
                () => false,
                () => new ProfileLoaded(file),
                stop => HostCommand.Require("apparmor_parser", ["--replace", file], stop)),
            cancellationToken);
    }

    public void Texts(Action beforeExchange, CancellationToken cancellationToken)
    {
        RootlessUnitTemplates texts = _plan.Texts;
        if (OwnerAsUser(Layout.Settings, _plan.Actor) is TextOwner.User or TextOwner.EditedByUser)
        {
            messages.Add($"'{Layout.Settings}' was edited and is kept.");
            observer.Verbose(messages[^1]);
            runner.Run(new HostStep(StepKind.File, Layout.Settings, "Keep your settings", () => true, () => null, _ => { }), cancellationToken);
        }
        else
        {
            Run(RootlessSteps.Folders(Path.GetDirectoryName(Layout.Settings)!, _plan.Actor, keepWithoutPurge: true), cancellationToken);
            runner.Run(RootlessSteps.Write(Layout.Settings, texts.Settings, _plan.Actor, beforeExchange, keepWithoutPurge: true), cancellationToken);
        }

        Run(RootlessSteps.Folders(Path.GetDirectoryName(Layout.State)!, _plan.Actor, keepWithoutPurge: true), cancellationToken);
        runner.Run(
            new HostStep(
                StepKind.File,
                Layout.State,
                "Create the directory",
                () => Directory.Exists(Layout.State),
                () => new EngineStateCreated(Layout.State, _plan.RootlessKit, Layout.User.Name) { KeepWithoutPurge = true },
                _ => ActingUser.Run(_plan.Actor, () => Directory.CreateDirectory(Layout.State, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute))),
            cancellationToken);
        Run(RootlessSteps.Folders(Path.GetDirectoryName(Layout.UnitPath)!, _plan.UnitActor), cancellationToken);
        runner.Run(RootlessSteps.Write(Layout.UnitPath, texts.Unit, _plan.UnitActor, beforeExchange, _plan.Unit.Reload), cancellationToken);
        if (OwnerAsUser(Layout.ShareDropIn, _plan.UnitActor) == TextOwner.Module)
        {
            runner.Run(RootlessSteps.Write(Layout.ShareDropIn, texts.Share, _plan.UnitActor, beforeExchange, _plan.Unit.Reload), cancellationToken);
        }
    }

    public void Unit(bool start, Func<bool> exchanged, bool wasActive, CancellationToken cancellationToken)
    {
        ManagedUnit unit = _plan.Unit;
        runner.Run(
            new HostStep(StepKind.Unit, unit.Name, "Enable the unit at boot", () => !_plan.NewUser && unit.IsEnabled, () => new RootlessUnitEnabled(unit.Name, unit.User), _ => unit.Enable()),
            cancellationToken);
        if (start)
        {
            runner.Run(
                new HostStep(
                    StepKind.Unit,
                    unit.Name,
                    wasActive ? "Restart the unit" : "Start the unit",
                    () => !_plan.NewUser && !exchanged() && unit.IsActive,
                    () => wasActive ? null : new RootlessUnitStarted(unit.Name, unit.User),
                    unit.Restart),
                cancellationToken);
        }
    }

    private void Run(IEnumerable<HostStep> steps, CancellationToken cancellationToken)
    {
        // A plan creates nothing, so the same folder would be listed repeatedly.
        foreach (HostStep? step in steps.Where(step => step.Target != Layout.User.Home && _folders.Add(step.Target)))
        {
            runner.Run(step, cancellationToken);
        }
    }

    private void Packages(CancellationToken cancellationToken)
    {
        foreach (string? package in _plan.Checks.Where(check => check.Package is not null).Select(check => check.Package!).Distinct())
        {
            // A package may have been installed as a dependency of another one.
            runner.Run(
                new HostStep(
                    StepKind.Package,
                    package,
                    "Install the package",
                    () => Commands.Packages.Installed().Any(name => name == package || name.StartsWith(package + ":", StringComparison.Ordinal)),
                    () => new PrerequisiteInstalled(package, Commands.Packages.Installed(), null) { KeepWithoutPurge = true },
                    stop =>
                    {
                        observer.Progress("Installing prerequisites", $"apt-get install {package}", null);
                        Commands.Packages.Install(package, observer.Verbose, stop, "Give this host access to its package source, or install the package another way, and run the command again.");
                    }),
                cancellationToken);
        }
    }

    private void User(CancellationToken cancellationToken)
    {
        UserAccount user = Layout.User;
        runner.Run(
            new HostStep(
                StepKind.User,
                user.Name,
                "Create the user",
                () => AccountDatabase.FindUser(user.Name) is not null,
                () => new UserCreated(user.Name, user.Home, Directory.Exists(user.Home)) { KeepWithoutPurge = true },
                stop =>
                {
                    // A system user gets no subordinate ids automatically; a separate step adds them.
                    HostCommand.Require("useradd", ["--system", "--user-group", "--create-home", "--home-dir", user.Home, "--shell", user.Shell, "--comment", "BuildKit without root", "--", user.Name], stop);
                    UserAccount made = AccountDatabase.FindUser(user.Name)!;
                    if (FileStatus.Read(made.Home) is { Uid: 0, Type: InodeType.Directory } && !Directory.EnumerateFileSystemEntries(made.Home).Any())
                    {
                        FileStatus.Give(made.Home, made.Uid, made.Gid, null, static home => home is { Uid: 0, Type: InodeType.Directory });
                    }
                }),
            cancellationToken);
        if (AccountDatabase.FindUser(user.Name) is { } now)
        {
            _plan = _plan with { Layout = Layout with { User = now } };
        }
    }

    private void Subordinate(string path, CancellationToken cancellationToken)
    {
        HostView view = new();
        UserAccount user = Layout.User;
        bool Enough() => SubordinateIds.Of(SubordinateIds.Parse(view.ReadText(path)), user.Name, user.Uid == 0 ? null : user.Uid).Sum(range => range.Count) >= SubordinateIds.Needed;
        long first = 0L;
        string Range() => string.Create(CultureInfo.InvariantCulture, $"{first}-{first + SubordinateIds.Needed - 1}");
        runner.Run(
            new HostStep(
                StepKind.User,
                path,
                $"Assign 65,536 subordinate ids to {user.Name} in",
                Enough,
                () =>
                {
                    // The same ids in both files where both have room, as administrators expect.
                    first = new RootlessPrechecks(view, RootlessPlan.SubjectOf(Layout, false, null, false)).FreeIds()
                        ?? throw new HostException(HostErrorKind.RootlessBlocked, $"There are not enough free ids for another 65,536 in {path}.", "Remove unused ranges, or increase SUB_UID_MAX and SUB_GID_MAX in /etc/login.defs.", path);
                    if (path == "/etc/subgid" && SubordinateIds.Of(SubordinateIds.Parse(view.ReadText("/etc/subuid")), user.Name, user.Uid) is [{ Count: SubordinateIds.Needed } uids] &&
                        !SubordinateIds.Parse(view.ReadText(path)).Any(range => range.Overlaps(uids)))
                    {
                        first = uids.First;
                    }

                    return new SubordinateIdsAdded(path, user.Name, Range(), journal.Changes.Concat(_plan.Manifest?.Changes ?? []).OfType<UserCreated>().Any()) { KeepWithoutPurge = true };
                },
                stop => HostCommand.Require("usermod", [path == "/etc/subuid" ? "--add-subuids" : "--add-subgids", Range(), user.Name], stop)),
            cancellationToken);
    }

    private void Linger(RootScript script, CancellationToken cancellationToken)
    {
        UserManager manager = new(Layout.User);
        if (!Layout.AsRoot && !manager.Lingers)
        {
            // A user may enable its own lingering where polkit allows it (org.freedesktop.login1.policy).
            if (!MayLingerItself())
            {
                script.AddLinger();
                return;
            }

            runner.Run(
                new HostStep(
                    StepKind.User,
                    Layout.User.Name,
                    "Start the services of the user at boot (linger)",
                    () => manager.Lingers,
                    () => new LingerEnabled(Layout.User.Name),
                    stop => HostCommand.Require("loginctl", ["enable-linger", "--no-ask-password"], stop)),
                cancellationToken);
            return;
        }

        runner.Run(
            new HostStep(
                StepKind.User,
                Layout.User.Name,
                "Start the services of the user at boot (linger)",
                () => manager.Lingers,
                () => new LingerEnabled(Layout.User.Name),
                stop => HostCommand.Require("loginctl", ["enable-linger", Layout.User.Name], stop)),
            cancellationToken);
        if (manager.Lingers && !manager.IsRunning && Layout.AsRoot)
        {
            manager.Start(cancellationToken);
        }
    }

    // In a plan the user may not exist yet, and the planning caller may not be root.
    private TextOwner OwnerAsUser(string path, string? user)
        => ActingUser.Run(_plan.NewUser || Identity.Current().Uid != 0 ? null : user, () => OwnedText.OwnerOf(path));

    private static bool MayLingerItself()
        => HostCommand.Find("pkcheck") is not null &&
            HostCommand.Run("pkcheck", ["--action-id", "org.freedesktop.login1.set-self-linger", "--process", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]).ExitCode == 0;
}
