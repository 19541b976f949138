using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Host.Commands;

/// <summary>
/// Builds a shell line that runs a cmdlet of this module as root, for a person to paste. sudo gives root another PATH, HOME and
/// module path, so the line names this PowerShell and the module's manifest by their full paths.
/// </summary>
public static partial class RootLine
{
    private const string Quotes = "'\u2018\u2019\u201a\u201b";

    /// <summary>Builds the line. Parameters without a value are omitted.</summary>
    public static string Of(string cmdlet, params IEnumerable<(string Name, object? Value)> parameters)
        => Of(PowerShellProgram.Words, PowerShellProgram.ModuleManifest, [], cmdlet, parameters);

    /// <summary>Builds a line that keeps the named environment variables, without their values. Parameters without a value are omitted.</summary>
    public static string Keeping(IReadOnlyList<string> environment, string cmdlet, IEnumerable<(string Name, object? Value)> parameters)
        => Of(PowerShellProgram.Words, PowerShellProgram.ModuleManifest, environment, cmdlet, parameters);

    internal static string Of(IReadOnlyList<string> program, string? manifest, IReadOnlyList<string> environment, string cmdlet, IEnumerable<(string Name, object? Value)> parameters)
    {
        StringBuilder script = new();
        if (manifest is not null)
        {
            script.Append("Import-Module ").Append(Word(WildcardCharacter().Replace(manifest, "`$0"))).Append("; ");
        }

        script.Append(cmdlet);
        foreach ((string? name, object? value) in parameters)
        {
            if (value is not null)
            {
                script.Append(" -").Append(name).Append(value switch
                {
                    true => string.Empty,
                    false => ":$false",
                    _ => " " + Argument(name, value),
                });
            }
        }

        string keep = environment.Count == 0 ? string.Empty : $"--preserve-env={string.Join(',', environment)} ";
        return $"sudo {keep}{string.Join(' ', program.Select(ShellWord))} -NoProfile -Command {ShellScript(script.ToString())}";
    }

    private static string Argument(string name, object value) => value switch
    {
        string text => Text(name, text),
        Uri uri => Text(name, uri.OriginalString),
        TimeSpan time => Word($"{time.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s"),
        IEnumerable list => string.Join(',', list.Cast<object>().Select(item => Argument(name, item))),
        IFormattable number => Word(number.ToString(null, CultureInfo.InvariantCulture)),
        _ => Word(value.ToString() ?? string.Empty),
    };

    // A line is shown, logged and kept in a shell's history, so an address that may contain a secret is requested when the line runs.
    private static string Text(string name, string text) => MayBeSecret().IsMatch(text) ? $"(Read-Host -Prompt {name})" : Word(text);

    private static string Word(string text)
        => PlainWord().IsMatch(text) ? text : $"'{string.Concat(text.Select(c => Quotes.Contains(c, StringComparison.Ordinal) ? $"{c}{c}" : c.ToString()))}'";

    private static string ShellWord(string text)
        => PlainShellWord().IsMatch(text) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    // Inside double quotes an interactive bash expands '!' as history, and an escaping backslash would stay in the text.
    private static string ShellScript(string script)
        => script.Contains('!', StringComparison.Ordinal) ? ShellWord(script) : $"\"{SpecialInQuotes().Replace(script, "\\$0")}\"";

    [GeneratedRegex(@"\A[A-Za-z_/][A-Za-z0-9_./:-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainWord();

    [GeneratedRegex(@"\A[A-Za-z0-9_./:@%+=,-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainShellWord();

    [GeneratedRegex(@"[*?\[\]`]", RegexOptions.CultureInvariant)]
    private static partial Regex WildcardCharacter();

    [GeneratedRegex(@"[\\""$`]", RegexOptions.CultureInvariant)]
    private static partial Regex SpecialInQuotes();

    // User information with a password, anything before an @ or after a ? of HTTP, and characters that a one-line text cannot have.
    [GeneratedRegex(@"\p{Cc}|\A[a-z][a-z0-9+.-]*://[^/]*:[^/]*@|\Ahttps?:/*[^/]*@|\Ahttps?:.*[?#]", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex MayBeSecret();
}
