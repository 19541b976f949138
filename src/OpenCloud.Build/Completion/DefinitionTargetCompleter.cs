using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Definitions;
using OpenCloud.Build.Definitions.Model;
using OpenCloud.Build.Errors;

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
            string[] paths = LanguagePrimitives.ConvertTo<string[]>(fakeBoundParameters["Path"] ?? ".");
            DefinitionOptions options = new()
            {
                WorkingDirectory = location,
                Environment = System.Environment.GetEnvironmentVariable,
                ReadFile = DefinitionFiles.TryRead,
                LocalPlatform = DefinitionFiles.LocalPlatform,
            };
            return BuildDefinitions.Names([.. paths.SelectMany(p => DefinitionFiles.Read(Resolve(p), p, CancellationToken.None))], options)
                .DistinctBy(static n => n.Name)
                .Matching(wordToComplete);
        }
        catch (Exception exception) when (exception is DefinitionException or BuildErrorException or IOException or UnauthorizedAccessException or RuntimeException)
        {
            return [];
        }
    }

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
