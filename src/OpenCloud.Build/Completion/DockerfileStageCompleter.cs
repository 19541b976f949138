using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the name of a stage from the Dockerfile that the command line being typed names.</summary>
public sealed class DockerfileStageCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return ReadText(fakeBoundParameters) is { } text
                ? DockerfileText.Parse(text).Stages
                    .Where(static s => s.Name is not null)
                    .Select(static s => (s.Name!, $"FROM {s.Base}"))
                    .DistinctBy(static s => s.Item1)
                    .Matching(wordToComplete)
                : [];
        }
        catch (Exception exception) when (exception is DockerfileException or IOException or UnauthorizedAccessException or RuntimeException)
        {
            return [];
        }
    }

    private static string? ReadText(IDictionary bound)
    {
        if (bound["DockerfileText"] is { } text)
        {
            return LanguagePrimitives.ConvertTo<string[]>(text) is { } lines ? string.Join('\n', lines) : null;
        }

        object? given = bound["LiteralPath"] ?? bound["Path"] ?? bound["InputObject"];
        string? directory = Resolve(given is Array { Length: > 0 } several ? several.GetValue(0)?.ToString() : given?.ToString() ?? ".");
        string? named = bound["Dockerfile"]?.ToString();
        if (directory is null)
        {
            return null;
        }

        if (string.IsNullOrEmpty(named))
        {
            return DockerfileContent.Usual(directory)?.Text;
        }

        // Not a pipe: completion must not wait, and what it reads from a pipe is lost.
        return RequestChecks.FindDockerfile(directory, named, Resolve(named)) is { } file
            ? Encoding.UTF8.GetString(InputFile.ReadRegular(file, DockerfileContent.MaxSize).Bytes)
            : null;
    }

    /// <summary>The full path. Completion runs in the session's runspace, whose location differs from the process's.</summary>
    private static string? Resolve(string? path)
    {
        if (string.IsNullOrEmpty(path))
        {
            return null;
        }

        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        return shell
            .AddScript("$ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($args[0])")
            .AddArgument(path)
            .Invoke<string>()
            .FirstOrDefault();
    }
}
