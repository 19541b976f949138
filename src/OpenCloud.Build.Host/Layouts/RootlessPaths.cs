using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Layouts;

/// <summary>The paths and names of a rootless engine. AsRoot: root owns the programs and records. The uid is 0 for a user not created yet.</summary>
internal sealed record RootlessPaths(UserAccount User, bool AsRoot, string Prefix, string State, bool SystemUnit)
{
    /// <summary>The engine's user. The name and the home enter paths, units, drop-ins and rules, so both are validated here.</summary>
    public UserAccount User { get; init; } = Checked(User);

    /// <summary>The folder of root's records of rootless installations, with one folder per user.</summary>
    public const string RootRecords = ChangeJournal.StateDirectory + "/rootless";

    public const string SharedRoot = "/run/buildkit-rootless";

    public const string UserUnit = "buildkit.service";

    public string Records => RecordsOf(User, AsRoot);

    public string LockPath => AsRoot ? HostLock.LockPath : $"{RuntimeDirectory}/opencloud.build/lock";

    public string Downloads => AsRoot ? SystemPaths.Downloads : $"{User.Home}/.cache/opencloud.build";

    public string RuntimeDirectory => UserManager.RuntimeDirectoryOf(User.Uid);

    public string Socket => $"{RuntimeDirectory}/buildkit/buildkitd.sock";

    public string SharedDirectory => $"{SharedRoot}/{User.Name}";

    public string SharedSocket => $"{SharedDirectory}/buildkitd.sock";

    /// <summary>The user's settings at buildkitd's own default path, so a buildkitd started by hand uses them too.</summary>
    public string Settings => $"{User.Home}/.config/buildkit/buildkitd.toml";

    public string RootScript => $"{Records}/as-root.sh";

    public ManagedUnit Unit => new(UnitName, SystemUnit ? null : User.Name);

    public string UnitName => SystemUnit ? $"buildkit-{User.Name}.service" : UserUnit;

    public string UnitPath => SystemUnit ? $"{Systemd.Systemctl.UnitDirectory}/{UnitName}" : $"{User.Home}/.config/systemd/user/{UnitName}";

    public string ShareDropIn => $"{UnitPath}.d/50-opencloud.build-share.conf";

    /// <summary>The tmpfiles.d rule for the directory of the shared socket.</summary>
    public string ShareTmpfiles => $"/etc/tmpfiles.d/opencloud.build-rootless-{User.Name}.conf";

    /// <summary>The group that the engine is shared with; null when it is not shared.</summary>
    public string? SharedGroup
        => OwnedText.Shown(ShareTmpfiles).Split('\n').Select(line => line.Split(' ')).FirstOrDefault(words => words.Length > 4 && words[1] == SharedDirectory)?[4];

    public string ManagerUnit => string.Create(CultureInfo.InvariantCulture, $"user@{User.Uid}.service");

    public static string RecordsOf(UserAccount user, bool asRoot) => asRoot ? $"{RootRecords}/{AccountDatabase.CheckName(user.Name, "user")}" : $"{user.Home}/.local/state/opencloud.build";

    public static string CheckPath(string path, string what)
        => Path.IsPathRooted(path) && !path.Contains("..", StringComparison.Ordinal) && !path.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '%' or '$' or '"' or '\'' or '\\' or ';') && path.TrimEnd('/').Length > 0
            ? path.TrimEnd('/')
            : throw new HostException(HostErrorKind.InvalidInput, $"'{AccountDatabase.Printable(path)}' is not a valid {what}: an absolute path without spaces and special characters is required.", target: path);

    /// <summary>What the prechecks of this engine are about. RootlessKit is null for the one on the system's path.</summary>
    public PrecheckSubject Subject(bool newUser, string? rootlessKit, bool bringsRootlessKit)
        => new(User.Name, newUser ? null : User.Uid, User.Home, State, Prefix, File.Exists(rootlessKit) ? rootlessKit : null, bringsRootlessKit);

    /// <summary>Takes root's lock; otherwise one in the user's runtime directory, or in the user's home when that is missing.</summary>
    public HostLock TakeLock(TimeSpan timeout, Action<string> report, CancellationToken cancellationToken)
    {
        bool inHome = !AsRoot && !Directory.Exists(RuntimeDirectory);
        return HostLock.Take(timeout, report, cancellationToken, inHome ? $"{User.Home}/.opencloud.build.lock/lock" : LockPath, remove: inHome);
    }

    private static UserAccount Checked(UserAccount user)
    {
        AccountDatabase.CheckName(user.Name, "user");
        CheckPath(user.Home, "home");
        return user;
    }

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
