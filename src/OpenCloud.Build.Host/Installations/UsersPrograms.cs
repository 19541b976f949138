using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Layouts;

namespace OpenCloud.Build.Host.Installations;

/// <summary>
/// Locates the programs of an engine that a user installed without root: below <c>~/.local</c>, with the system's rootlesskit unless one lies
/// beside them. Another prefix is read from the unit that starts the engine. It is trusted only for programs of that user or of root, in
/// folders that nobody else can write to. Root repeats it in that user's unit only, which runs as the user and never as root.
/// </summary>
internal sealed record UsersPrograms(string Prefix, string RootlessKit)
{
    private const string Daemon = "/bin/buildkitd";
    private const string Start = "ExecStart=";
    private const string System = "/usr/bin/rootlesskit";
    private const int UnitLimit = 64 * 1024;

    public static UsersPrograms Of(UserAccount user) => ActingUser.Run(user, () => OfUnit(user) ?? Usual(user));

    private static UsersPrograms Usual(UserAccount user)
    {
        string prefix = $"{user.Home}/.local";
        return new(prefix, Brought(prefix) is var kit && IsOf(user, kit) ? kit : HostCommand.Find("rootlesskit") ?? System);
    }

    private static UsersPrograms? OfUnit(UserAccount user)
    {
        try
        {
            string unit = $"{user.Home}/.config/systemd/user/{RootlessPaths.UserUnit}";
            string[]? words = BoundedFile.TryReadText(unit, UnitLimit)?.Split('\n').LastOrDefault(line => line.StartsWith(Start, StringComparison.Ordinal))?[Start.Length..].Split(' ');
            if (words?.Skip(1).FirstOrDefault(word => word.EndsWith(Daemon, StringComparison.Ordinal)) is not { } daemon)
            {
                return null;
            }

            string prefix = RootlessPaths.CheckPath(daemon[..^Daemon.Length], "prefix");
            string kit = RootlessPaths.CheckPath(words[0], "program");
            return IsOf(user, prefix + Daemon) && (kit == HostCommand.Find("rootlesskit") || IsOf(user, kit)) ? new(prefix, kit) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or HostException)
        {
            return null;
        }
    }

    private static string Brought(string prefix) => $"{prefix}/bin/rootlesskit";

    // Whether the program belongs to the user or to root and nobody else can replace it.
    private static bool IsOf(UserAccount user, string program)
    {
        try
        {
            return FileStatus.Read(program) is { Type: InodeType.Regular } status
                && (status.Uid == user.Uid || status.Uid == 0)
                && (status.Mode & 0x12) == 0
                && DirectoryWalk.FirstOpenToOthers(Path.GetDirectoryName(program)!, user.Uid) is null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
