using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Definitions;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the name of a target, group or service from the definitions that the command line being typed names.</summary>
public sealed class DefinitionTargetCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            string location = Resolve(".");
            string[] paths = [.. LanguagePrimitives.ConvertTo<string[]>(fakeBoundParameters["Path"] ?? ".").Select(Resolve)];
            string state = string.Join('\n', paths.SelectMany(FilesOf).Prepend(location).Select(static f => $"{f} {File.GetLastWriteTimeUtc(f).Ticks}"));
            return CompletionQuery.Compute($"definitions {state}", () => Names(paths, location)).Matching(wordToComplete);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or RuntimeException)
        {
            return [];
        }
    }

    private static IReadOnlyList<(string Name, string Kind)> Names(IReadOnlyList<string> paths, string location)
    {
        DefinitionOptions options = new()
        {
            WorkingDirectory = location,
            Environment = System.Environment.GetEnvironmentVariable,
            ReadFile = DefinitionFiles.TryRead,
            LocalPlatform = DefinitionFiles.LocalPlatform,
        };
        return [.. BuildDefinitions.Names([.. paths.SelectMany(DefinitionFiles.ReadRegular)], options).DistinctBy(static n => n.Name)];
    }

    private static IEnumerable<string> FilesOf(string path) => BuildDefinitions.DefaultFiles.Select(f => Path.Join(path, f)).Where(File.Exists).Prepend(path);

    // Completion runs in the session's runspace, whose location differs from the process's.
    private static string Resolve(string path)
    {
        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        return shell
            .AddScript("$ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($args[0])")
            .AddArgument(path)
            .Invoke<string>()
            .First();
    }
}
