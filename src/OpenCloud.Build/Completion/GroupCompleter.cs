using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Completion;

/// <summary>Completes a group with those that an engine's socket may have, and those of people.</summary>
public sealed class GroupCompleter : IArgumentCompleter
{
    // The first group id of people on Debian and Ubuntu (login.defs, GID_MIN).
    private const int FirstPerson = 1000;
    private const int Nobody = 65534;
    private const int MaxGroups = 16 * 1024 * 1024;

    private static readonly string[] Usual = ["buildkit", "containerd", "docker"];

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return Encoding.UTF8.GetString(InputFile.ReadRegular("/etc/group", MaxGroups).Bytes).Split('\n')
                .Select(static line => line.Split(':'))
                .Where(static fields => fields.Length == 4 && int.TryParse(fields[2], out int gid)
                    && (Usual.Contains(fields[0], StringComparer.Ordinal) || gid is >= FirstPerson and not Nobody))
                .Select(static fields => (fields[0], fields[3].Length > 0 ? fields[3] : fields[0]))
                .Prepend(("buildkit", "the group of Install-BuildKit"))
                .DistinctBy(static group => group.Item1)
                .Matching(wordToComplete);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
