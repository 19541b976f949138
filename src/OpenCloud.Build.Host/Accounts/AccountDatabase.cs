using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Host.Accounts;

/// <summary>
/// Users and groups of the system, found by names that are checked first: what cannot be a name is refused before it enters a path, a
/// unit or a rule.
/// </summary>
internal static partial class AccountDatabase
{
    /// <summary>Finds a user by name or number; null when there is none.</summary>
    public static UserAccount? FindUser(string name) => SystemAccounts.FindUser(CheckName(name, "user"));

    /// <summary>Finds a user by number.</summary>
    public static UserAccount? FindUser(uint uid) => SystemAccounts.FindUser(uid);

    /// <summary>Finds a group by name or number; null when there is none.</summary>
    public static GroupAccount? FindGroup(string name) => SystemAccounts.FindGroup(CheckName(name, "group"));

    /// <summary>The name of a group, or its number when nobody named it.</summary>
    public static string GroupName(uint gid) => SystemAccounts.FindGroup(gid)?.Name ?? gid.ToString(CultureInfo.InvariantCulture);

    /// <summary>The name of a user, or its number when nobody named it.</summary>
    public static string UserName(uint uid) => FindUser(uid)?.Name ?? uid.ToString(CultureInfo.InvariantCulture);

    /// <summary>Who a user is after a new login: primary group and every group of the database.</summary>
    public static Identity IdentityOf(UserAccount user) => new(user.Uid, user.Gid, SystemAccounts.GroupsOf(user.Name, user.Gid));

    /// <summary>Refuses what cannot be a user or a group: empty, a leading dash, separators of the database, control characters.</summary>
    /// <exception cref="HostException">The name cannot be one.</exception>
    public static string CheckName(string name, string what)
    {
        if (string.IsNullOrWhiteSpace(name) || name[0] is '-' or '.' || name.Length > 256 ||
            name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is ':' or ',' or '/' or '\\' or '"' or '\'' or '*' or '?' or '$' or '`' or ';' or '|' or '&' or '<' or '>' or '(' or ')' or '%' or '#' or '!' or '=' or '[' or ']' or '{' or '}' or '~'))
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
    public static string Printable(string text) => Shown(text, static c => char.IsControl(c) || IsMark(c));

    /// <summary>The same for several lines.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? PrintableLines(string? text) => text is null ? null : Shown(text, static c => (char.IsControl(c) && c is not ('\n' or '\t')) || IsMark(c));

    private static string Shown(string text, Func<char, bool> isOdd) =>
        text.Any(isOdd) ? string.Concat(text.Select(c => !isOdd(c) ? c.ToString() : c < 0x100 ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}")) : text;

    // They make text read otherwise than it is.
    private static bool IsMark(char c) => c is '\u061C' or '\u200E' or '\u200F' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');

    [GeneratedRegex(@"^[a-z_][a-z0-9_-]{0,31}\z")]
    private static partial Regex NewGroupPattern();
}
