using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Host.Accounts;

/// <summary>
/// Finds users and groups of the system by names that are validated first: an impossible name is refused before it enters a path, a
/// unit or a rule.
/// </summary>
internal static partial class AccountDatabase
{
    public static UserAccount? FindUser(string name) => SystemAccounts.FindUser(CheckName(name, "user"));

    public static UserAccount? FindUser(uint uid) => SystemAccounts.FindUser(uid);

    public static GroupAccount? FindGroup(string name) => SystemAccounts.FindGroup(CheckName(name, "group"));

    /// <summary>Finds a user that must exist.</summary>
    /// <exception cref="HostException">There is no such user.</exception>
    public static UserAccount RequireUser(string name)
        => FindUser(name) ?? throw new HostException(HostErrorKind.NotFound, $"The user '{Printable(name)}' does not exist.", "See 'getent passwd' for user names.", Printable(name));

    /// <summary>Refuses a caller without root's rights; the message says what needs them.</summary>
    /// <exception cref="HostException">The caller is not root.</exception>
    public static void RequireRoot(string message)
    {
        if (Identity.Current().Uid != 0)
        {
            throw new HostException(HostErrorKind.NotRoot, message, "Run the command as root.");
        }
    }

    /// <summary>The name of a group, or its number when it has no name.</summary>
    public static string GroupName(uint gid) => SystemAccounts.FindGroup(gid)?.Name ?? gid.ToString(CultureInfo.InvariantCulture);

    /// <summary>The name of a user, or its number when it has no name.</summary>
    public static string UserName(uint uid) => FindUser(uid)?.Name ?? uid.ToString(CultureInfo.InvariantCulture);

    /// <summary>The identity of a user after a new login: the primary group and every group of the database.</summary>
    public static Identity IdentityOf(UserAccount user) => new(user.Uid, user.Gid, SystemAccounts.GroupsOf(user.Name, user.Gid));

    /// <summary>Refuses impossible user or group names: empty, a leading dash, separators of the database, control characters.</summary>
    /// <exception cref="HostException">The name is impossible.</exception>
    public static string CheckName(string name, string what)
    {
        if (string.IsNullOrWhiteSpace(name) || name[0] is '-' or '.' || name.Length > 256 ||
            name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is ':' or ',' or '/' or '\\' or '"' or '\'' or '*' or '?' or '$' or '`' or ';' or '|' or '&' or '<' or '>' or '(' or ')' or '%' or '#' or '!' or '=' or '[' or ']' or '{' or '}' or '~'))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{Printable(name)}' is not a valid {what} name.", target: Printable(name));
        }

        return name;
    }

    /// <summary>Refuses names that groupadd would refuse for a new group.</summary>
    public static string CheckNewGroup(string name)
        => NewGroupPattern().IsMatch(name)
            ? name
            : throw new HostException(
                HostErrorKind.InvalidInput,
                $"'{Printable(name)}' is not a valid name of a new group: use at most 32 lower-case letters, digits, '_' and '-', starting with a letter or '_'.",
                target: Printable(name));

    /// <summary>A text for display, with control characters made visible.</summary>
    public static string Printable(string text) => Shown(text, static c => char.IsControl(c) || IsMark(c));

    /// <summary>The same for several lines.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? PrintableLines(string? text) => text is null ? null : Shown(text, static c => (char.IsControl(c) && c is not ('\n' or '\t')) || IsMark(c));

    private static string Shown(string text, Func<char, bool> isOdd) =>
        text.Any(isOdd) ? string.Concat(text.Select(c => !isOdd(c) ? c.ToString() : c < 0x100 ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}")) : text;

    // These marks change how the text appears.
    private static bool IsMark(char c) => c is '\u061C' or '\u200E' or '\u200F' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');

    [GeneratedRegex(@"^[a-z_][a-z0-9_-]{0,31}\z")]
    private static partial Regex NewGroupPattern();
}
