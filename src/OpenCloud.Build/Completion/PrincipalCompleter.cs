using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Completion;

/// <summary>Completes users with those who log in on this machine, and services with those an administrator wrote.</summary>
public sealed class PrincipalCompleter : IArgumentCompleter
{
    // The first user id of people on Debian and Ubuntu (login.defs, UID_MIN).
    private const int FirstPerson = 1000;
    private const int Nobody = 65534;
    private const int MaxPasswd = 16 * 1024 * 1024;

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return (parameterName.Equals("Service", StringComparison.OrdinalIgnoreCase) ? Services() : Users()).Matching(wordToComplete);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static IEnumerable<(string Text, string Tip)> Users() => Encoding.UTF8.GetString(InputFile.ReadRegular("/etc/passwd", MaxPasswd).Bytes).Split('\n')
        .Select(static line => line.Split(':'))
        .Where(static fields => fields.Length == 7 && int.TryParse(fields[2], out int uid) && uid is >= FirstPerson and not Nobody)
        .Select(static fields => (fields[0], fields[4].Length > 0 ? fields[4] : fields[0]));

    private static IEnumerable<(string Text, string Tip)> Services() => Directory.Exists("/etc/systemd/system")
        ? Directory.GetFiles("/etc/systemd/system", "*.service").Select(static path => (Path.GetFileNameWithoutExtension(path), path))
        : [];
}
