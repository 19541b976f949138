using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Layouts;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>Checks a socket in the file system: the path, each directory on the way, type, owner, group and mode.</summary>
internal sealed class SocketFileChecks(string path, Principal who, List<DiagnosisCheck> checks)
{
    /// <summary>The socket; null when it is missing or inaccessible.</summary>
    public FileStatus? Socket { get; private set; }

    /// <summary>The description of the problem; null when there is none.</summary>
    public (string Story, string? Remedy)? Trouble { get; private set; }

    public void Run()
    {
        if (!Directories())
        {
            return;
        }

        try
        {
            Socket = FileStatus.Read(path, follow: true);
        }
        catch (UnauthorizedAccessException error)
        {
            Fail("Path", error.Message, "A directory above the socket is not accessible.", RootLine.Of("Test-BuildKitSocket", ("Address", "unix://" + path), ("As", who.Service is null ? who.Name : null), ("Service", who.Service?.Unit), ("Detailed", true)));
            return;
        }

        if (Socket is null)
        {
            Absent();
            return;
        }

        checks.Add(new DiagnosisCheck("Path", CheckState.Ok, path));
        if (Socket.Type != InodeType.Socket)
        {
            Fail("Type", $"it is a {Socket.Type}, not a socket", $"{path} is not a socket.", $"ls -l {path}");
            return;
        }

        checks.Add(new DiagnosisCheck("Type", CheckState.Ok, "a socket"));
        Mode();
    }

    private bool Directories()
    {
        string full = Path.GetFullPath(path);
        Stack<string> folders = new();
        for (string? folder = Path.GetDirectoryName(full); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            folders.Push(folder);
        }

        foreach (string folder in folders)
        {
            FileStatus? status;
            try
            {
                status = FileStatus.Read(folder, follow: true);
            }
            catch (UnauthorizedAccessException)
            {
                checks.Add(new DiagnosisCheck($"Directory {folder}", CheckState.Unknown, "cannot be inspected by this user"));
                return true;
            }

            if (status is null)
            {
                Absent();
                return false;
            }

            string seen = $"{Owner(status)} {status.ModeText()}";
            if (status.Type != InodeType.Directory)
            {
                Fail($"Directory {folder}", "it is not a directory", $"{folder} is not a directory, so {path} cannot exist.", null);
                return false;
            }

            if (who.Effective.Uid == 0 || status.Allows(who.Effective, 1))
            {
                checks.Add(folder == Path.GetDirectoryName(full) && IsOpenForOtherSockets(status, out string? writers)
                    ? new DiagnosisCheck(
                        $"Directory {folder}",
                        CheckState.Warning,
                        $"{seen}: {writers} can replace the engine's socket and receive what is sent to it, secrets included",
                        IsManaged(folder) ? RootLine.Of("Install-BuildKit") : $"sudo chmod go-w {folder}")
                    : new DiagnosisCheck($"Directory {folder}", CheckState.Ok, seen));
            }
            else if (status.Gid != 0 && (status.Mode & 0x8) != 0 && !who.Effective.IsMember(status.Gid))
            {
                // The directory is closed to all but its group: a non-member gets the same message as for the socket.
                checks.Add(new DiagnosisCheck($"Directory {folder}", CheckState.Failed, $"{seen}: {who.Name} has no access"));
                NotAMember(status.Gid, "the group of the socket's directory", seen);
                return false;
            }
            else
            {
                Fail(
                    $"Directory {folder}",
                    $"{seen}: {who.Name} has no access",
                    $"The directory {folder} is not accessible for {who.Name}, regardless of the mode of the socket.",
                    IsManaged(folder) ? $"sudo systemd-tmpfiles --create {SystemPaths.TmpfilesPath}" : GroupRemedy(status, 1) ?? $"sudo chmod o+x {folder}");
                return false;
            }
        }

        return true;
    }

    private static bool IsManaged(string folder) => folder == SystemPaths.SocketDirectory && File.Exists(SystemPaths.TmpfilesPath);

    // In a sticky directory nobody but the owner renames or removes the socket.
    private static bool IsOpenForOtherSockets(FileStatus folder, out string writers)
    {
        const uint Sticky = 0x200;
        writers = (folder.Mode & 2) != 0 ? "all users" : $"members of '{AccountDatabase.GroupName(folder.Gid)}'";
        return (folder.Mode & Sticky) == 0 && ((folder.Mode & 2) != 0 || ((folder.Mode & 0x10) != 0 && folder.Gid != 0));
    }

    private void Absent()
    {
        string[] others = KnownSockets().Where(other => other != path && File.Exists(other)).ToArray();
        Fail(
            "Path",
            "it does not exist",
            others.Length > 0 ? $"The socket {path} does not exist, but there is {string.Join(" and ", others)}: check the address." : $"The socket {path} does not exist: no engine is installed there, or it is not running.",
            others.Length > 0 ? $"Test-BuildKitSocket unix://{others[0]} -Detailed"
                : path == SystemPaths.SocketPath ? File.Exists(SystemPaths.SocketUnitPath) ? $"sudo systemctl start {SystemPaths.SocketUnit}" : RootLine.Of("Install-BuildKit")
                : null);
    }

    private static IEnumerable<string> KnownSockets()
    {
        yield return SystemPaths.SocketPath;
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime)
        {
            yield return Path.Combine(runtime, "buildkit/buildkitd.sock");
        }
    }

    private void Mode()
    {
        FileStatus socket = Socket!;
        string seen = $"{Owner(socket)} {socket.ModeText()}";
        if (who.Effective.Uid == 0 || socket.Allows(who.Effective, 2))
        {
            checks.Add(new DiagnosisCheck("Owner, group and mode", CheckState.Ok, seen));
        }
        else if (socket.Gid == 0 || (socket.Mode & 0x10) == 0)
        {
            Fail(
                "Owner, group and mode",
                $"{seen}: only root has access",
                $"No group has access to the socket ({seen}): the engine was started without a group.",
                path == SystemPaths.SocketPath ? RootLine.Of("Install-BuildKit") : $"sudo chgrp GROUP {path} && sudo chmod g+rw {path}");
        }
        else
        {
            checks.Add(new DiagnosisCheck("Owner, group and mode", CheckState.Failed, $"{seen}: {who.Name} has no write access", GroupRemedy(socket, 2)));
        }

        Groups(socket);
    }

    /// <summary>Warns of a socket that everybody may use. For answering engines only: other sockets may have to be open.</summary>
    public void WarnOfOpenEngine()
    {
        if (Socket is { } socket && (socket.Mode & 2) != 0)
        {
            checks.Add(new DiagnosisCheck("Access for others", CheckState.Warning, $"{Owner(socket)} {socket.ModeText()}: every user has access to this engine, which is equivalent to root", $"sudo chmod o-rwx {path}"));
        }
    }

    private void Groups(FileStatus socket)
    {
        string group = AccountDatabase.GroupName(socket.Gid);
        bool now = who.Effective.IsMember(socket.Gid);
        bool later = who.Database?.IsMember(socket.Gid) ?? now;
        string seen = $"now: {Names(who.Effective)}; after {(who.Service is null ? "a new login" : "a restart")}: {(who.Database is null ? "not known" : Names(who.Database))}";
        if (who.Effective.Uid == 0)
        {
            checks.Add(new DiagnosisCheck("Groups", CheckState.Ok, "root does not need a group"));
        }
        else if (now)
        {
            checks.Add(later
                ? new DiagnosisCheck("Groups", CheckState.Ok, seen)
                : new DiagnosisCheck("Groups", CheckState.Warning, $"{seen}: it will no longer be a member of '{group}'", Grant(group)));
        }
        else if (socket.Gid == 0 || socket.Allows(who.Effective, 2))
        {
            checks.Add(new DiagnosisCheck("Groups", socket.Gid == 0 ? CheckState.Unknown : CheckState.Ok, seen));
        }
        else
        {
            NotAMember(socket.Gid, "the socket's group", seen);
        }
    }

    private void NotAMember(uint gid, string what, string seen)
    {
        string group = AccountDatabase.GroupName(gid);
        if (who.Database?.IsMember(gid) == true)
        {
            Fail(
                "Groups",
                seen,
                $"{who.Name} is a member of '{group}', but {(who.Service is null ? "this session began before that" : "it was started before that")}: a process keeps the groups it started with.",
                who.Service is null ? "Log out and in again (at once, in this terminal: newgrp " + group + ")" : $"sudo systemctl restart {who.Service.Unit}");
        }
        else
        {
            Fail("Groups", $"{seen}; {what} is '{group}'", $"{who.Name} is not a member of '{group}', {what}.", Grant(group));
        }
    }

    private string Grant(string group) => who.Service is null
        ? RootLine.Of("Grant-BuildKitAccess", ("User", who.Name), ("Group", group))
        : RootLine.Of("Grant-BuildKitAccess", ("Service", who.Service.Unit), ("Restart", true), ("Group", group));

    private string? GroupRemedy(FileStatus status, uint bit)
        => status.Gid != 0 && ((status.Mode >> 3) & bit) == bit && !who.Effective.IsMember(status.Gid)
            ? $"sudo gpasswd -a {who.Name} {AccountDatabase.GroupName(status.Gid)}"
            : null;

    private void Fail(string name, string evidence, string story, string? remedy)
    {
        checks.Add(new DiagnosisCheck(name, CheckState.Failed, evidence, remedy));
        Trouble ??= (story, remedy);
    }

    private static string Owner(FileStatus status) => $"{AccountDatabase.UserName(status.Uid)}:{AccountDatabase.GroupName(status.Gid)}";

    private static string Names(Identity who) => string.Join(", ", who.Groups.Append(who.Gid).Distinct().Select(AccountDatabase.GroupName));
}
