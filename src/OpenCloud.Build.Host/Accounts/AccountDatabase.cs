using System.Globalization;
using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Posix;

namespace OpenCloud.Build.Host.Accounts;

/// <summary>A user as the system's name services know it.</summary>
internal sealed record UserAccount(string Name, uint Uid, uint Gid, string Home, string Shell);

/// <summary>A group as the system's name services know it.</summary>
internal sealed record GroupAccount(string Name, uint Gid, IReadOnlyList<string> Members);

/// <summary>
/// Users and groups, asked through <c>getent</c> so that directory services count as well as /etc/passwd. Names are checked
/// before they become an argument.
/// </summary>
internal static partial class AccountDatabase
{
    /// <summary>Finds a user by name or number; null when there is none.</summary>
    public static UserAccount? FindUser(string name)
    {
        var fields = Ask("passwd", CheckName(name, "user"));
        return fields is null || fields.Length < 7
            ? null
            : new UserAccount(fields[0], Number(fields[2]), Number(fields[3]), fields[5], fields[6]);
    }

    /// <summary>Finds a user by number.</summary>
    public static UserAccount? FindUser(uint uid) => FindUser(uid.ToString(CultureInfo.InvariantCulture));

    /// <summary>Finds a group by name; null when there is none.</summary>
    public static GroupAccount? FindGroup(string name)
    {
        var fields = Ask("group", CheckName(name, "group"));
        return fields is null || fields.Length < 4
            ? null
            : new GroupAccount(fields[0], Number(fields[2]), fields[3].Split(',', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>The name of a group, or its number when nobody named it.</summary>
    public static string GroupName(uint gid)
        => Ask("group", gid.ToString(CultureInfo.InvariantCulture))?[0] ?? gid.ToString(CultureInfo.InvariantCulture);

    /// <summary>The name of a user, or its number when nobody named it.</summary>
    public static string UserName(uint uid) => FindUser(uid)?.Name ?? uid.ToString(CultureInfo.InvariantCulture);

    /// <summary>Who a user is after a new login: primary group and every group of the database.</summary>
    public static Identity IdentityOf(UserAccount user)
    {
        var answer = HostCommand.Run("id", ["-G", "--", user.Name]);
        var groups = answer.ExitCode == 0
            ? answer.Output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(Number).ToArray()
            : [user.Gid];
        return new Identity(user.Uid, user.Gid, groups);
    }

    /// <summary>Refuses what cannot be a user or a group: empty, a leading dash, separators of the database, control characters.</summary>
    /// <exception cref="HostException">The name cannot be one.</exception>
    public static string CheckName(string name, string what)
    {
        if (string.IsNullOrWhiteSpace(name) || name[0] == '-' || name.Length > 256 ||
            name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is ':' or ',' or '/' or '\\' or '"' or '\'' or '*' or '?' or '$' or '`' or ';' or '|' or '&' or '<' or '>' or '(' or ')'))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{Printable(name)}' cannot be the name of a {what}.", target: Printable(name));
        }

        return name;
    }

    /// <summary>Refuses what groupadd would refuse as a new group.</summary>
    public static string CheckNewGroup(string name)
        => NewGroupPattern().IsMatch(name)
            ? name
            : throw new HostException(
                HostErrorKind.InvalidInput,
                $"'{Printable(name)}' cannot be the name of a new group: lower-case letters, digits, '_' and '-', a letter or '_' first, 32 at most.",
                target: Printable(name));

    /// <summary>A name as it can be shown: control characters made visible.</summary>
    public static string Printable(string text)
        => string.Concat(text.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString()));

    private static string[]? Ask(string database, string key)
    {
        var answer = HostCommand.Run("getent", [database, "--", key]);
        return answer.ExitCode == 0 && answer.Output.Length > 0 ? answer.Output.Split('\n')[0].Split(':') : null;
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^[a-z_][a-z0-9_-]{0,31}\z")]
    private static partial Regex NewGroupPattern();
}
