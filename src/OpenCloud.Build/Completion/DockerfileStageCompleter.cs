using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the name of a stage from the Dockerfile that the command line being typed names.</summary>
public sealed class DockerfileStageCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        CommandLineDockerfile.Read(fakeBoundParameters, static file => file.Stages.Where(static s => s.Name is not null).Select(static s => (s.Name!, $"FROM {s.Base}")))
            .Matching(wordToComplete);
}

/// <summary>Completes what the Dockerfile asks for: build arguments, named contexts, secrets and SSH agents.</summary>
public sealed class DockerfileInputCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        CommandLineDockerfile.Read(fakeBoundParameters, file => parameterName.ToUpperInvariant() switch
        {
            "BUILDARG" => file.ArgumentNames.Select(static name => ($"{name}=", $"ARG {name}")),
            "BUILDCONTEXT" => file.FindImages().Concat(file.Stages.Select(static s => s.Name).OfType<string>()).Select(static name => ($"{name}=", $"in place of {name}")),
            "SECRET" => file.SecretIds.SelectMany(static id => new[] { ($"id={id},src=", $"the secret {id} from a file"), ($"id={id},env=", $"the secret {id} from a variable") }),
            _ => file.SshIds.Select(static id => (id, $"the SSH agent {id}")).Append(("default", "the agent of $SSH_AUTH_SOCK")),
        }).Matching(wordToComplete);
}
