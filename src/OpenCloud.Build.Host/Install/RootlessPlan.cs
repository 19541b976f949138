using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>The decisions about a rootless engine, made before anything is changed.</summary>
internal sealed record RootlessPlan
{
    /// <summary>The layout. Its user's number is 0 until the user is created.</summary>
    public required RootlessPaths Layout { get; init; }

    public required BuildKitVersion Version { get; init; }

    public required bool NewUser { get; init; }

    public required IReadOnlyList<RootlessPrecheck> Checks { get; init; }

    /// <summary>The current or future path of the program rootlesskit.</summary>
    public required string RootlessKit { get; init; }

    public InstallationManifest? Manifest { get; init; }

    public required string Network { get; init; }

    public RootlessUnitTemplates Texts => new(Layout, Version, RootlessKit, Network);

    /// <summary>Whether AppArmor prevents rootlesskit from creating a user namespace.</summary>
    public bool WantsProfile => Checks.Any(check => check is { Prerequisite: RootlessPrerequisite.AppArmor, State: CheckState.Failed });

    /// <summary>The user that writes files in the user's home; null for the caller.</summary>
    public string? Actor => Layout.AsRoot ? Layout.User.Name : null;

    /// <summary>The user that writes the unit's file; null for the caller.</summary>
    public string? UnitActor => Layout.SystemUnit ? null : Actor;

    public ManagedUnit Unit => new(Layout.Unit, Layout.SystemUnit ? null : Layout.User.Name);

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

    /// <summary>Makes the plan and refuses impossible requests.</summary>
    /// <exception cref="HostException">The request is impossible; nothing is changed.</exception>
    public static RootlessPlan Make(RootlessOptions options, bool planOnly, IHostView view)
    {
        uint caller = Identity.Current().Uid;
        string name = NameOf(options.User);
        UserAccount? account = AccountDatabase.FindUser(name);
        bool asRoot = caller == 0 || account is null || account.Uid != caller;
        if (account is { Uid: 0 })
        {
            throw new HostException(HostErrorKind.InvalidInput, "root cannot be the user of a rootless engine.", "Use another user: -User buildkituser; for an engine that runs as root, use Install-BuildKit without -Rootless.", name);
        }

        if (caller != 0 && !planOnly && (asRoot || options.SystemUnit))
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
        InstallationManifest? manifest = account is null && !asRoot ? null : InstallationManifest.Load(RootlessPaths.RecordsOf(user, asRoot));
        RootlessInstallations.RequireOf(user, manifest);
        if (options.Update)
        {
            options = manifest is { IsInstalled: true, Rootless: { } facts }
                ? options with { SystemUnit = facts.SystemUnit }
                : throw new HostException(HostErrorKind.NotFound, $"This module did not install a rootless engine for '{name}' on this host.", "Use Install-BuildKit -Rootless.", name);
        }

        if (options.Release.Rollback && manifest?.Previous is null)
        {
            throw new HostException(HostErrorKind.NotFound, $"There is no previous version of the engine of '{name}' to restore.", "Use Update-BuildKit -Rootless -Version.", name);
        }

        if (!Systemctl.IsRunning)
        {
            throw new HostException(HostErrorKind.Unsupported, "A rootless engine requires systemd, which this host does not use.", "Start the engine manually: rootlesskit buildkitd.");
        }

        string prefix = RootlessPaths.CheckPath(options.Prefix ?? (manifest is { IsInstalled: true } ? manifest.Prefix : asRoot ? "/opt/buildkit" : $"{user.Home}/.local"), "prefix");
        RootlessPaths layout = new(
            user,
            asRoot,
            prefix,
            RootlessPaths.CheckPath(options.StateDirectory ?? manifest?.Rootless?.State ?? $"{user.Home}/.local/share/buildkit", "state directory"),
            options.SystemUnit);
        if (asRoot)
        {
            InstallPlan.RequirePrefixOfRoot(prefix);
        }

        RefuseOthers(layout, manifest);

        BuildKitVersion version = VersionOf(options.Release, manifest);
        string kit = options.BringsRootlessKit ? $"{prefix}/bin/rootlesskit"
            : manifest is { IsInstalled: true, Rootless: { RootlessKit: var known } } && File.Exists(known) ? known
            : view.Find("rootlesskit") ?? "/usr/bin/rootlesskit";
        RootlessPrechecks prechecks = new(view, SubjectOf(layout, account is null, kit, options.BringsRootlessKit));
        RootlessPlan plan = new()
        {
            Layout = layout,
            Version = version,
            NewUser = account is null,
            Manifest = manifest,
            RootlessKit = kit,
            Network = RootlessNetwork.Choose(view, File.Exists(kit) ? kit : null, options.BringsRootlessKit).Driver,
            Checks = prechecks.Run(),
        };
        plan.RefuseBlockedHost();
        if (asRoot && plan.WantsProfile && AppArmorProfile.Find(view, prechecks.RootlessKitPath()) is null)
        {
            AppArmorProfile profile = AppArmorProfile.For(prechecks.RootlessKitPath());
            RootlessSteps.RequireOurs(profile.Path, profile.Text, null);
        }

        if (account is not null)
        {
            RootlessSteps.RequireOurs(layout.UnitPath, plan.Texts.Unit, caller == 0 ? plan.UnitActor : null);
        }

        return plan;
    }

    public static PrecheckSubject SubjectOf(RootlessPaths layout, bool newUser, string? rootlessKit, bool bringsRootlessKit) => new()
    {
        Name = layout.User.Name,
        Uid = newUser ? null : layout.User.Uid,
        Home = layout.User.Home,
        State = layout.State,
        Prefix = layout.Prefix,
        RootlessKit = rootlessKit is not null && File.Exists(rootlessKit) ? rootlessKit : null,
        BringsRootlessKit = bringsRootlessKit,
    };

    /// <summary>The commands that root must run first; empty when this run does everything itself.</summary>
    public RootScript Script()
    {
        RootScript script = new(Layout.User.Name);
        if (!Layout.AsRoot)
        {
            foreach (RootlessPrecheck? check in Checks.Where(check => check.State == CheckState.Failed || check.Package is not null))
            {
                script.Add(check);
            }
        }

        return script;
    }

    private static BuildKitVersion VersionOf(InstallOptions release, InstallationManifest? manifest)
    {
        BuildKitVersion? installed = manifest is { IsInstalled: true } ? BuildKitVersion.Parse(manifest.Version) : null;
        BuildKitVersion version = release.Rollback ? BuildKitVersion.Parse(manifest!.Previous!.Version)
            : release.Version ?? (installed is not null && installed > KnownReleases.Default ? installed : KnownReleases.Default);
        return version < BuildKitVersion.Lowest
            ? throw new HostException(HostErrorKind.InvalidInput, $"{version} is older than {BuildKitVersion.Lowest}, the oldest version that this module supports.", $"Use -Version {KnownReleases.Default}.")
            : version;
    }

    private static void RefuseOthers(RootlessPaths layout, InstallationManifest? manifest)
    {
        bool another = layout.AsRoot ? UsersOwnEngine.Of(layout.User) is not null : InstallationManifest.Load((layout with { AsRoot = true }).Records) is { IsInstalled: true };
        if (another)
        {
            throw new HostException(
                HostErrorKind.Conflict,
                layout.AsRoot ? $"{layout.User.Name} has already installed a rootless engine." : $"root has already installed a rootless engine for {layout.User.Name}.",
                layout.AsRoot ? $"As {layout.User.Name}: Uninstall-BuildKit -Rootless; or keep it." : $"{RootLine.Of("Uninstall-BuildKit", ("Rootless", true), ("User", layout.User.Name))}; or keep using it.",
                layout.User.Name);
        }

        if (manifest is { IsInstalled: true } && (manifest.Prefix != layout.Prefix || manifest.Rootless!.State != layout.State || manifest.Rootless.SystemUnit != layout.SystemUnit))
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"The engine of {layout.User.Name} is installed under {manifest.Prefix}, with its state in {manifest.Rootless!.State} and a unit of {(manifest.Rootless.SystemUnit ? "the system" : "the user")}; a second installation is not supported.",
                "Run Uninstall-BuildKit -Rootless first.",
                layout.Prefix);
        }

        if (!layout.AsRoot)
        {
            return;
        }

        if (InstallationManifest.Load() is { IsInstalled: true } rootful && rootful.Prefix == layout.Prefix)
        {
            throw new HostException(HostErrorKind.Conflict, $"The programs under {layout.Prefix} belong to the engine that runs as root.", "Use another -Prefix.", layout.Prefix);
        }

        foreach (InstallationManifest? sibling in RootlessInstallations.OfRoot().Where(sibling => sibling.IsInstalled && sibling.Prefix == layout.Prefix && sibling.Rootless!.User != layout.User.Name))
        {
            throw new HostException(
                HostErrorKind.Conflict,
                $"The programs under {layout.Prefix} are those of {sibling.Rootless!.User}'s engine, and would be removed with it.",
                string.Create(CultureInfo.InvariantCulture, $"Use another prefix: -Prefix {layout.Prefix}-{layout.User.Name}."),
                layout.Prefix);
        }
    }

    private void RefuseBlockedHost()
    {
        bool canInstall = Packages.Available;
        RootlessPrecheck[] blocked = Checks.Where(check => check.State == CheckState.Failed && (Layout.AsRoot
            ? !check.ByInstaller || (check.Package is not null && !canInstall)
            : check.RootCommands.Count == 0)).ToArray();
        if (blocked.Length > 0)
        {
            throw new HostException(
                HostErrorKind.RootlessBlocked,
                $"This host does not meet the requirements of a rootless engine of {Layout.User.Name}:\n{string.Join('\n', blocked.Select(check => $"- {check.Name}: {check.Evidence}"))}",
                string.Join("; ", blocked.Select(check => check.Remedy)),
                blocked[0].Name)
            { Aftermath = "Nothing was changed." };
        }
    }
}
