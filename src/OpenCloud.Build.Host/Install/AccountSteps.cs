using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>The prerequisites of a rootless engine: packages, its user with subordinate ids and lingering, and an AppArmor profile.</summary>
internal sealed class AccountSteps(InstallRun run, RootlessLayout layout)
{
    private UserAccount Account => layout.Paths.User;

    public void InstallPackages() => run.Runner.Run(layout.MissingPackages.Select(package => new HostStep(
        StepKind.Package,
        package,
        "Install the package",
        // A package may have been installed as a dependency of another one.
        () => Packages.Installed().Any(name => name == package || name.StartsWith(package + ":", StringComparison.Ordinal)),
        () => new PackagesInstalled(package, Packages.Present(), [], null) { KeepWithoutPurge = true },
        cancellationToken =>
        {
            run.Observer.Progress("Installing prerequisites", $"apt-get install {package}", null);
            Packages.Install(package, run.Observer.Verbose, cancellationToken, "Give this host access to its package source, or install the package another way, and run the command again.");
        })));

    /// <summary>Creates the user where it is missing.</summary>
    /// <returns>The user; null in a plan.</returns>
    public UserAccount? CreateUser()
    {
        UserAccount user = Account;
        run.Runner.Run(new HostStep(
            StepKind.User,
            user.Name,
            "Create the user",
            () => AccountDatabase.FindUser(user.Name) is not null,
            () => new UserCreated(user.Name, user.Home, Directory.Exists(user.Home)) { KeepWithoutPurge = true },
            cancellationToken =>
            {
                // A system user gets no subordinate ids automatically; a separate step adds them.
                HostCommand.Require("useradd", ["--system", "--user-group", "--create-home", "--home-dir", user.Home, "--shell", user.Shell, "--comment", "BuildKit without root", "--", user.Name], cancellationToken);
                UserAccount created = AccountDatabase.FindUser(user.Name)!;
                if (FileStatus.Read(created.Home) is { Uid: 0, Type: InodeType.Directory } && !Directory.EnumerateFileSystemEntries(created.Home).Any())
                {
                    FileStatus.Give(created.Home, created.Uid, created.Gid, null, static home => home is { Uid: 0, Type: InodeType.Directory });
                }
            }));
        return AccountDatabase.FindUser(user.Name);
    }

    public void AddSubordinateIds() => run.Runner.Run([SubordinateIdStep("/etc/subuid"), SubordinateIdStep("/etc/subgid")]);

    /// <summary>Lets the user's services run without a session.</summary>
    /// <returns>Whether this run can do it; otherwise root has to.</returns>
    public bool Linger()
    {
        UserManager manager = new(Account);
        if (!layout.AsRoot && !manager.Lingers && !MayLinger())
        {
            return false;
        }

        run.Runner.Run(new HostStep(
            StepKind.User,
            Account.Name,
            "Start the services of the user at boot (linger)",
            () => manager.Lingers,
            () => new LingerEnabled(Account.Name),
            cancellationToken => HostCommand.Require("loginctl", ["enable-linger", layout.AsRoot ? Account.Name : "--no-ask-password"], cancellationToken)));
        if (layout.AsRoot && manager.Lingers && !manager.IsRunning)
        {
            manager.Start(run.CancellationToken);
        }

        return true;
    }

    /// <summary>Installs the AppArmor profile for rootlesskit where AppArmor requires one.</summary>
    public void InstallProfile()
    {
        if (!layout.AsRoot || !layout.WantsProfile)
        {
            return;
        }

        // The program is now in place; only now can its real path be resolved.
        HostView view = new();
        string program = view.RealPath(layout.RootlessKit);
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
            run.Runner.Run(FileSteps.Write(file, profile.Text));
        }

        run.Runner.Run(new HostStep(
            StepKind.File,
            file,
            "Load the AppArmor profile",
            () => false,
            () => new ProfileLoaded(file),
            cancellationToken => HostCommand.Require("apparmor_parser", ["--replace", file], cancellationToken)));
    }

    private HostStep SubordinateIdStep(string path)
    {
        HostView view = new();
        UserAccount user = Account;
        bool Enough() => SubordinateIds.Of(SubordinateIds.Parse(view.ReadText(path)), user.Name, user.Uid == 0 ? null : user.Uid).Sum(range => range.Count) >= SubordinateIds.Needed;
        long first = 0L;
        string Range() => string.Create(CultureInfo.InvariantCulture, $"{first}-{first + SubordinateIds.Needed - 1}");
        return new HostStep(
            StepKind.User,
            path,
            $"Assign 65,536 subordinate ids to {user.Name} in",
            Enough,
            () =>
            {
                // The same ids in both files where both have room, as administrators expect.
                first = RootlessPrechecks.FreeIds(view)
                    ?? throw new HostException(HostErrorKind.RootlessBlocked, $"There are not enough free ids for another 65,536 in {path}.", "Remove unused ranges, or increase SUB_UID_MAX and SUB_GID_MAX in /etc/login.defs.", path);
                if (path == "/etc/subgid" && SubordinateIds.Of(SubordinateIds.Parse(view.ReadText("/etc/subuid")), user.Name, user.Uid) is [{ Count: SubordinateIds.Needed } uids] &&
                    !SubordinateIds.Parse(view.ReadText(path)).Any(range => range.Overlaps(uids)))
                {
                    first = uids.First;
                }

                return new SubordinateIdsAdded(path, user.Name, Range(), run.Journal.Changes.Concat(layout.Plan.Manifest?.Changes ?? []).OfType<UserCreated>().Any()) { KeepWithoutPurge = true };
            },
            cancellationToken => HostCommand.Require("usermod", [path == "/etc/subuid" ? "--add-subuids" : "--add-subgids", Range(), user.Name], cancellationToken));
    }

    // A user may enable its own lingering where polkit allows it (org.freedesktop.login1.policy).
    private static bool MayLinger()
        => HostCommand.Find("pkcheck") is not null &&
            HostCommand.Run("pkcheck", ["--action-id", "org.freedesktop.login1.set-self-linger", "--process", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]).ExitCode == 0;
}
