using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>Where everything of a rootless engine is.</summary>
/// <param name="User">Whose it is; its number is 0 while it is yet to be made.</param>
/// <param name="AsRoot">Root installs it: programs and records are root's.</param>
/// <param name="Prefix">Where programs go.</param>
/// <param name="State">Where the engine keeps its state.</param>
/// <param name="SystemUnit">A unit of the system starts it.</param>
internal sealed record RootlessLayout(UserAccount User, bool AsRoot, string Prefix, string State, bool SystemUnit)
{
    /// <summary>Whose it is. The name enters paths, units, drop-ins and rules, and the home enters paths and units: both are checked here.</summary>
    public UserAccount User { get; init; } = Checked(User);

    /// <summary>Where root's records of rootless installations are, a folder each.</summary>
    public const string RootRecords = ChangeJournal.StateDirectory + "/rootless";

    /// <summary>The directory of directories in which engines share a socket.</summary>
    public const string SharedRoot = "/run/buildkit-rootless";

    /// <summary>The user's unit.</summary>
    public const string UserUnit = "buildkit.service";

    /// <summary>Where this module keeps its records of it.</summary>
    public string Records => RecordsOf(User, AsRoot);

    /// <summary>The lock of those who change it.</summary>
    public string LockPath => AsRoot ? HostLock.LockPath : $"{RuntimeDirectory}/opencloud.build/lock";

    /// <summary>Where downloads lie until they are used.</summary>
    public string Downloads => AsRoot ? Install.ReleaseAcquisition.DownloadDirectory : $"{User.Home}/.cache/opencloud.build";

    /// <summary>The user's runtime directory (pam_systemd(8)).</summary>
    public string RuntimeDirectory => RuntimeDirectoryOf(User.Uid);

    /// <summary>The socket.</summary>
    public string Socket => $"{RuntimeDirectory}/buildkit/buildkitd.sock";

    /// <summary>The folder of the socket that is shared with a group.</summary>
    public string SharedDirectory => $"{SharedRoot}/{User.Name}";

    /// <summary>The socket that is shared with a group.</summary>
    public string SharedSocket => $"{SharedDirectory}/buildkitd.sock";

    /// <summary>The user's settings: buildkitd's own default path, so that one started by hand uses them too.</summary>
    public string Settings => $"{User.Home}/.config/buildkit/buildkitd.toml";

    /// <summary>The unit.</summary>
    public string Unit => SystemUnit ? $"buildkit-{User.Name}.service" : UserUnit;

    /// <summary>The unit's file.</summary>
    public string UnitPath => SystemUnit ? $"{Systemd.Systemctl.UnitDirectory}/{Unit}" : $"{User.Home}/.config/systemd/user/{Unit}";

    /// <summary>The drop-in that adds the shared socket.</summary>
    public string ShareDropIn => $"{UnitPath}.d/50-opencloud.build-share.conf";

    /// <summary>The rule for the folder of the shared socket.</summary>
    public string ShareTmpfiles => $"/etc/tmpfiles.d/opencloud.build-rootless-{User.Name}.conf";

    /// <summary>The user's service manager.</summary>
    public string ManagerUnit => string.Create(CultureInfo.InvariantCulture, $"user@{User.Uid}.service");

    /// <summary>Records of a user's installation.</summary>
    public static string RecordsOf(UserAccount user, bool asRoot) => asRoot ? $"{RootRecords}/{AccountDatabase.CheckName(user.Name, "user")}" : $"{user.Home}/.local/state/opencloud.build";

    /// <summary>The runtime directory of a user.</summary>
    public static string RuntimeDirectoryOf(uint uid) => string.Create(CultureInfo.InvariantCulture, $"/run/user/{uid}");

    /// <summary>Of an installation that is recorded.</summary>
    public static RootlessLayout Of(Install.InstallationManifest manifest, bool asRoot)
    {
        RootlessFacts facts = manifest.Rootless!;
        return new RootlessLayout(new UserAccount(facts.User, facts.Uid, facts.Uid, facts.Home, string.Empty), asRoot, manifest.Prefix, facts.State, facts.SystemUnit);
    }

    private static UserAccount Checked(UserAccount user)
    {
        AccountDatabase.CheckName(user.Name, "user");
        RootlessPlan.CheckPath(user.Home, "home");
        return user;
    }

    /// <summary>Drops the folders of the records that are empty.</summary>
    public void DropEmptyRecords()
    {
        string[] folders = AsRoot
            ? new[] { Records, RootRecords, ChangeJournal.StateDirectory }
            : [Records, $"{User.Home}/.local/state", $"{User.Home}/.local"];
        foreach (string? folder in folders)
        {
            ChangeJournal.RemoveStateIfEmpty(folder);
        }
    }
}
