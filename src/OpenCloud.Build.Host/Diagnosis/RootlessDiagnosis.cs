using System.Globalization;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>Checks the prerequisites of a rootless engine, for the diagnosis of its socket.</summary>
public static class RootlessDiagnosis
{
    /// <summary>The socket path of a user's rootless engine, whether the engine exists or not.</summary>
    /// <param name="user">The user; null for the caller.</param>
    /// <exception cref="HostException">The user does not exist.</exception>
    public static string SocketOf(string? user)
    {
        uint uid = user is null ? Identity.Current().Uid : AccountDatabase.RequireUser(user).Uid;
        return UserManager.RuntimeDirectoryOf(uid) + "/buildkit/buildkitd.sock";
    }

    /// <summary>The user whose rootless engine listens at a path; null when the path is not a rootless engine's.</summary>
    internal static UserAccount? OwnerOf(string path)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts switch
        {
            ["run", "user", var number, ..] when uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) => uid == 0 ? null : AccountDatabase.FindUser(uid),
            ["run", "buildkit-rootless", var name, _, ..] => AccountDatabase.FindUser(name),
            _ => null,
        };
    }

    /// <summary>The command that starts or installs a user's engine.</summary>
    internal static string StartRemedy(UserAccount user) => RootlessInstallations.OfUser(user.Name) switch
    {
        null => Identity.Current().Uid == user.Uid ? "Install-BuildKit -Rootless" : RootLine.Of("Install-BuildKit", ("Rootless", true), ("User", user.Name)),
        { Paths: { SystemUnit: true } paths } => $"sudo systemctl start {paths.UnitName}",
        { Paths: var paths } => Identity.Current().Uid == user.Uid ? $"systemctl --user start {paths.UnitName}" : $"sudo systemctl --user --machine {user.Name}@.host start {paths.UnitName}",
    };

    internal static IReadOnlyList<DiagnosisCheck> Checks(UserAccount user)
    {
        (RootlessPaths Paths, InstallationManifest Manifest)? known = RootlessInstallations.OfUser(user.Name);
        RootlessPaths paths = known?.Paths ?? new RootlessPaths(user, AsRoot: false, $"{user.Home}/.local", $"{user.Home}/.local/share/buildkit", SystemUnit: false);
        PrecheckSubject subject = paths.Subject(newUser: false, known?.Manifest.Rootless!.RootlessKit, bringsRootlessKit: false);
        return [.. new RootlessPrechecks(new HostView(), subject).Run().Select(check => new DiagnosisCheck($"Rootless: {check.Name}", check.State, check.Evidence, check.Remedy))];
    }
}
