using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// An engine that runs as a user. Run by root, the installer does everything; run by a user, it does the user's part and returns root's part
/// as a script.
/// </summary>
internal sealed class RootlessLayout : EngineLayout
{
    private readonly bool _newUser;
    private readonly string _network;
    private readonly IReadOnlyList<RootlessPrecheck> _checks;
    private readonly AccountSteps _account;
    private readonly RootScript _script;

    private RootlessLayout(InstallRun run, InstallPlan plan, RootlessPaths paths, bool newUser, IHostView view)
        : base(run, plan)
    {
        RootlessOptions options = run.Options.Rootless!;
        Paths = paths;
        RootlessKit = options.BringsRootlessKit ? $"{paths.Prefix}/bin/rootlesskit"
            : plan.Installed?.Rootless is { RootlessKit: var known } && File.Exists(known) ? known
            : view.Find("rootlesskit") ?? "/usr/bin/rootlesskit";
        _newUser = newUser;
        RootlessPrechecks prechecks = new(view, paths.Subject(newUser, RootlessKit, options.BringsRootlessKit));
        _network = RootlessNetwork.Choose(view, File.Exists(RootlessKit) ? RootlessKit : null, options.BringsRootlessKit).Driver;
        _checks = prechecks.Run();
        RefuseBlockedHost();
        if (AsRoot && WantsProfile && AppArmorProfile.Find(view, prechecks.RootlessKitPath()) is null)
        {
            AppArmorProfile profile = AppArmorProfile.For(prechecks.RootlessKitPath());
            FileSteps.RequireOurs(profile.Path, profile.Text, null);
        }

        if (!newUser)
        {
            FileSteps.RequireOurs(paths.UnitPath, Templates.Unit, Identity.Current().Uid == 0 ? UnitActor : null);
        }

        _account = new AccountSteps(run, this);
        _script = new RootScript(paths.User.Name);
        if (!AsRoot)
        {
            foreach (RootlessPrecheck check in _checks.Where(check => check.State == CheckState.Failed || check.Package is not null))
            {
                _script.Add(check);
            }
        }
    }

    /// <summary>The paths. Their user's number is 0 until the user is created.</summary>
    public RootlessPaths Paths { get; private set; }

    /// <summary>The current or future path of the program rootlesskit.</summary>
    public string RootlessKit { get; }

    /// <summary>Whether AppArmor prevents rootlesskit from creating a user namespace.</summary>
    public bool WantsProfile => _checks.Any(check => check is { Prerequisite: RootlessPrerequisite.AppArmor, State: CheckState.Failed });

    /// <summary>The packages that are missing.</summary>
    public IEnumerable<string> MissingPackages => _checks.Where(check => check.Package is not null).Select(check => check.Package!).Distinct();

    public override string Prefix => Paths.Prefix;

    public override string Records => Paths.Records;

    public override string Downloads => Paths.Downloads;

    public override bool AsRoot => Paths.AsRoot;

    public override string Group => Paths.User.Name;

    public override string? User => Paths.User.Name;

    public override string? Address => Run.PlanOnly && _newUser ? null : "unix://" + Paths.Socket;

    public override UnitRestored? Running => !_newUser && Paths.Unit.IsActive ? new UnitRestored(Paths.UnitName, Paths.Unit.User) : null;

    /// <summary>Without root's part the engine would not start; once root has done it, the next run starts the engine.</summary>
    public override bool IsBlocked => !AsRoot && _checks.Any(check => check.State == CheckState.Failed);

    private RootlessUnitTemplates Templates => new(Paths, Plan.Version, RootlessKit, _network);

    /// <summary>The user that writes files in the user's home; null for the caller.</summary>
    private string? Actor => AsRoot ? Paths.User.Name : null;

    /// <summary>The user that writes the unit's file; null for the caller.</summary>
    private string? UnitActor => Paths.SystemUnit ? null : Actor;

    /// <summary>Decides everything, and refuses impossible requests.</summary>
    /// <exception cref="HostException">The request is impossible; nothing is changed.</exception>
    public static RootlessLayout Create(InstallRun run)
    {
        InstallOptions options = run.Options;
        RootlessOptions rootless = options.Rootless!;
        uint caller = Identity.Current().Uid;
        string name = NameOf(rootless.User);
        UserAccount? account = AccountDatabase.FindUser(name);
        bool asRoot = caller == 0 || account is null || account.Uid != caller;
        if (account is { Uid: 0 })
        {
            throw new HostException(HostErrorKind.InvalidInput, "root cannot be the user of a rootless engine.", "Use another user: -User buildkituser; for an engine that runs as root, use Install-BuildKit without -Rootless.", name);
        }

        if (caller != 0 && !run.PlanOnly && (asRoot || rootless.SystemUnit))
        {
            throw new HostException(
                HostErrorKind.NotRoot,
                asRoot ? $"Installing an engine for '{AccountDatabase.Printable(name)}' requires root, unless it is your own user." : "A system unit requires root.",
                "Run the command as root.",
                name);
        }

        if (account is null)
        {
            AccountDatabase.CheckNewGroup(name);
            if (AccountDatabase.FindGroup(name) is not null)
            {
                throw new HostException(HostErrorKind.Conflict, $"The user '{name}' does not exist, but a group with this name does, so the user cannot be created.", $"Use another name, or create the user yourself: sudo useradd --create-home --gid {name} {name}", name);
            }
        }

        UserAccount user = account ?? new UserAccount(name, 0, 0, $"/home/{name}", "/usr/sbin/nologin");
        InstallationManifest? manifest = InstallationManifest.Load(RootlessPaths.RecordsOf(user, asRoot));
        InstallationManifest? installed = manifest is { IsInstalled: true } ? manifest : null;
        RootlessInstallations.RequireOf(user, manifest);
        if (run.Update && installed?.Rootless is null)
        {
            throw new HostException(HostErrorKind.NotFound, $"This module did not install a rootless engine for '{name}' on this host.", "Use Install-BuildKit -Rootless.", name);
        }

        if (options.Rollback && manifest?.Previous is null)
        {
            throw new HostException(HostErrorKind.NotFound, $"There is no previous version of the engine of '{name}' to restore.", "Use Update-BuildKit -Rootless -Version.", name);
        }

        if (!Systemctl.IsRunning)
        {
            throw new HostException(HostErrorKind.Unsupported, "A rootless engine requires systemd, which this host does not use.", "Start the engine manually: rootlesskit buildkitd.");
        }

        RootlessPaths paths = new(
            user,
            asRoot,
            RootlessPaths.CheckPath(options.Prefix ?? installed?.Prefix ?? (asRoot ? "/opt/buildkit" : $"{user.Home}/.local"), "prefix"),
            RootlessPaths.CheckPath(rootless.StateDirectory ?? manifest?.Rootless?.State ?? $"{user.Home}/.local/share/buildkit", "state directory"),
            run.Update ? installed!.Rootless!.SystemUnit : rootless.SystemUnit);
        if (asRoot)
        {
            RequirePrefixOfRoot(paths.Prefix);
        }

        RootlessInstallations.RequireOnly(paths, installed);
        return new RootlessLayout(run, InstallPlan.Of(options, manifest), paths, account is null, new HostView());
    }

    /// <summary>The engine's user: the given name, the caller, or the user behind sudo.</summary>
    /// <exception cref="HostException">No name is given, and root itself is the invoking user.</exception>
    public static string NameOf(string? given)
    {
        uint uid = Identity.Current().Uid;
        if (given is null && uid == 0)
        {
            try
            {
                return InvokingUser.Name();
            }
            catch (HostException)
            {
                throw new HostException(HostErrorKind.InvalidInput, "A rootless engine requires a user, but the caller is root.", "Use -User buildkituser; the user is created if it does not exist.");
            }
        }

        return given ?? AccountDatabase.UserName(uid);
    }

    public override void Begin()
    {
        foreach (RootlessPrecheck check in _checks.Where(check => check.State == CheckState.Warning && check.Package is null))
        {
            Run.Warn($"{check.Name}: {check.Evidence}. {check.Remedy}");
        }

        if (Run.PlanOnly)
        {
            return;
        }

        if (!AsRoot)
        {
            // Its parents go with it, and not before: they are no step of their own.
            ChangeJournal.EnsureState(Records);
        }

        if (!Run.WasActive && !_newUser)
        {
            RefuseForeignEngine(Paths.Socket, ownUnit: null);
        }
    }

    public override void BeforePrograms()
    {
        if (AsRoot)
        {
            _account.InstallPackages();
            if (_account.CreateUser() is { } user)
            {
                Paths = Paths with { User = user };
            }

            _account.AddSubordinateIds();
        }

        if (!_account.Linger())
        {
            _script.AddLinger();
        }
    }

    public override void WriteTexts()
    {
        _account.InstallProfile();
        Settings(
            Paths.Settings,
            Templates.Settings,
            OwnerAsUser(Paths.Settings, Actor),
            Actor,
            Folders(Path.GetDirectoryName(Paths.Settings)!, Actor, keepWithoutPurge: true));
        Run.Runner.Run(Folders(Path.GetDirectoryName(Paths.State)!, Actor, keepWithoutPurge: true));
        Run.Runner.Run(new HostStep(
            StepKind.File,
            Paths.State,
            "Create the directory",
            () => Directory.Exists(Paths.State),
            () => new EngineStateCreated(Paths.State, RootlessKit, Paths.User.Name) { KeepWithoutPurge = true },
            _ => ActingUser.Run(Actor, () => Directory.CreateDirectory(Paths.State, FileModes.OwnerOnly))));
        Run.Runner.Run(Folders(Path.GetDirectoryName(Paths.UnitPath)!, UnitActor));
        WriteUnit(Paths.UnitPath, Templates.Unit);
        if (OwnerAsUser(Paths.ShareDropIn, UnitActor) == TextOwner.Module)
        {
            WriteUnit(Paths.ShareDropIn, Templates.Share);
        }
    }

    public override bool RequireManager()
    {
        bool reachable = Run.PlanOnly || Paths.Unit.CanBeAsked;
        if (!reachable && !IsBlocked)
        {
            Run.Warn($"The service manager of {Paths.User.Name} is not running. Log in, or run the script as root, then run the command again.");
        }

        return reachable;
    }

    public override void StartUnits(bool start)
    {
        Run.Runner.Run(SystemSteps.Enable(Paths.Unit));
        if (start)
        {
            Run.Runner.Run(SystemSteps.Start(Paths.Unit, Run.WasActive, Run.Exchanged));
        }
    }

    public override EngineVerifier Verifier()
    {
        uint caller = Identity.Current().Uid;
        return new EngineVerifier(Paths.Socket, caller == Paths.User.Uid ? null : AccountDatabase.IdentityOf(Paths.User), Paths.Unit)
        {
            User = Paths.User.Name,
            Open = caller == 0 ? ($", and gets the rights of {Paths.User.Name}", $"Check the modes and ACLs of {Paths.RuntimeDirectory}.") : null,
        };
    }

    public override void CheckRootlessKit(string program, string origin)
    {
        if (_network == RootlessNetwork.Pasta && !RootlessNetwork.KnownBy(new HostView(), program))
        {
            throw new HostException(
                HostErrorKind.RootlessBlocked,
                $"The rootlesskit of {origin} does not support pasta (2.0 or later does), and slirp4netns is not installed.",
                "Use release 2.0 or later, or: sudo apt-get install --no-install-recommends slirp4netns",
                origin);
        }
    }

    public override RootlessFacts Facts(ArchiveSteps archives) => new()
    {
        User = Paths.User.Name,
        Uid = Paths.User.Uid,
        Home = Paths.User.Home,
        State = Paths.State,
        SystemUnit = Paths.SystemUnit,
        RootlessKit = RootlessKit,
        RootlessKitPrograms = archives.RootlessKitPrograms,
        RootlessKitIntegrity = archives.RootlessKitIntegrity,
    };

    public override string? RootScript(EngineAnswer? engine)
    {
        string? text = _script.IsEmpty ? null : _script.ToString();
        if (!Run.PlanOnly && !AsRoot)
        {
            if (text is null)
            {
                File.Delete(Paths.RootScript);
            }
            else
            {
                WholeFile.Write(Paths.RootScript, text, FileModes.Readable);
            }
        }

        if (text is not null)
        {
            Run.Warn(Run.PlanOnly
                ? $"Commands to run as root:\n{text}"
                : $"Commands to run as root{(engine is null && !Run.Options.NoStart ? "; then run Install-BuildKit -Rootless again" : string.Empty)}: sudo sh {Paths.RootScript}\n{text}");
        }

        return text;
    }

    public override void DropEmptyRecords() => Paths.DropEmptyRecords();

    private void WriteUnit(string path, string text) => Run.Runner.Run(FileSteps.Write(path, text, UnitActor, Run.BeforeExchange, Paths.Unit.Reload));

    // A plan creates nothing, so the same folder would be listed repeatedly.
    private IEnumerable<HostStep> Folders(string path, string? actor, bool keepWithoutPurge = false)
        => FileSteps.Folders(path, actor, keepWithoutPurge).Where(step => step.Target != Paths.User.Home && Run.Runner.Outcomes.All(outcome => outcome.Target != step.Target));

    // In a plan the user may not exist yet, and the planning caller may not be root.
    private TextOwner OwnerAsUser(string path, string? user)
        => ActingUser.Run(_newUser || Identity.Current().Uid != 0 ? null : user, () => OwnedText.OwnerOf(path));

    private void RefuseBlockedHost()
    {
        bool canInstall = Packages.Available;
        RootlessPrecheck[] blocked = _checks.Where(check => check.State == CheckState.Failed && (AsRoot
            ? !check.ByInstaller || (check.Package is not null && !canInstall)
            : check.RootCommands.Count == 0)).ToArray();
        if (blocked.Length > 0)
        {
            throw new HostException(
                HostErrorKind.RootlessBlocked,
                $"This host does not meet the requirements of a rootless engine of {Paths.User.Name}:\n{string.Join('\n', blocked.Select(check => $"- {check.Name}: {check.Evidence}"))}",
                string.Join("; ", blocked.Select(check => check.Remedy)),
                blocked[0].Name)
            { Aftermath = "Nothing was changed." };
        }
    }
}
