using System.Collections;
using System.Management.Automation;
using System.Text;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Completion;

internal static class CommandLineDockerfile
{
    /// <summary>Returns distinct words of the Dockerfile; none when it is missing or invalid.</summary>
    public static IEnumerable<(string Text, string Tip)> Read(IDictionary bound, Func<DockerfileText, IEnumerable<(string Text, string Tip)>> read)
    {
        try
        {
            return ReadText(bound) is { } text ? [.. read(DockerfileText.Parse(text)).DistinctBy(static w => w.Text)] : [];
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

        // Not a pipe: completion must not wait, and reading consumes the data of a pipe.
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
