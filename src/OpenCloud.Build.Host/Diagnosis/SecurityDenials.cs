using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Host.Diagnosis;

/// <summary>One denial by SELinux or AppArmor. Id is the kernel's number of the event ("1700000000.123:45"); null when the line has none.</summary>
internal sealed record SecurityDenial(string? Id, bool IsSELinux, string Text)
{
    /// <summary>The time of the denial; null when the line has none.</summary>
    public DateTimeOffset? At => Id is not null && double.TryParse(Id.Split(':')[0], CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 253402300800
        ? DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000))
        : null;
}

/// <summary>
/// Finds denials in lines of the kernel's log, journald's audit lines and auditd's file. The forms are those of the kernel's
/// security/apparmor/audit.c and security/selinux/avc.c: <c>apparmor="DENIED"</c> (a profile in complain mode logs ALLOWED)
/// and <c>avc:  denied  { … }</c> (with <c>permissive=1</c> nothing was denied). Values with special characters are hexadecimal.
/// </summary>
internal static partial class SecurityDenials
{
    /// <summary>The denials that concern an engine or the socket, without duplicates, oldest first.</summary>
    public static IReadOnlyList<SecurityDenial> Find(string log, string path)
        => [.. log.Split('\n').Select(line => Read(line, path)).OfType<SecurityDenial>().DistinctBy(denial => denial.Id ?? denial.Text)];

    private static SecurityDenial? Read(string line, string path)
    {
        Match selinux = Avc().Match(line);
        if (!line.Contains("apparmor=\"DENIED\"", StringComparison.Ordinal) && !selinux.Success)
        {
            return null;
        }

        Dictionary<string, string> fields = new(StringComparer.Ordinal);
        foreach (Match field in Field().Matches(line).Cast<Match>())
        {
            string name = field.Groups["name"].Value;
            fields.TryAdd(name, field.Groups["quoted"].Success ? field.Groups["quoted"].Value : Plain(name, field.Groups["bare"].Value));
        }

        string? Value(string name) => fields.GetValueOrDefault(name);
        string? target = Value("path") ?? Value("name") ?? Value("addr") ?? Value("peer_addr");
        bool about = line.Contains("buildkit", StringComparison.Ordinal) ||
            fields.Values.Any(value => value == path || value.Contains("buildkit", StringComparison.Ordinal));
        if (!about || Value("permissive") == "1")
        {
            return null;
        }

        string? id = Event().Match(line) is { Success: true } found ? found.Groups[1].Value : null;
        string who = $"'{Value("comm") ?? "a program"}' (process {Value("pid") ?? "unknown"})";
        string text = selinux.Success
            ? $"SELinux denied {who}, {Value("scontext")}, the operation {selinux.Groups[1].Value.Trim()} on {target ?? "a " + Value("tclass")}, {Value("tcontext")}"
            : $"The AppArmor profile '{Value("profile")}' denied {who} the operation {Value("operation")} on {target ?? Value("info") ?? "something"}{(Value("denied_mask") is { } mask ? $" ({mask})" : string.Empty)}";
        return new SecurityDenial(id, selinux.Success, text);
    }

    private static string Plain(string name, string value)
    {
        if (name is not ("name" or "path" or "comm" or "profile" or "addr" or "peer_addr") || value.Length < 4 || value.Length % 2 != 0 || !value.All(char.IsAsciiHexDigitUpper))
        {
            return value;
        }

        return Accounts.AccountDatabase.Printable(Encoding.UTF8.GetString(Convert.FromHexString(value)));
    }

    [GeneratedRegex(@"\bavc:\s+denied\s+\{([^}]*)\}")]
    private static partial Regex Avc();

    [GeneratedRegex(@"\baudit\((\d+\.\d+:\d+)\)")]
    private static partial Regex Event();

    [GeneratedRegex(@"\b(?<name>[a-z_]+)=(?:""(?<quoted>[^""]*)""|(?<bare>[^\s""]+))")]
    private static partial Regex Field();
}
