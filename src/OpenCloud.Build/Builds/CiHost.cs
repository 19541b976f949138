using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Screen;

namespace OpenCloud.Build.Builds;

/// <summary>The CI host that reads this process's output, if any.</summary>
internal static class CiHost
{
    /// <summary>On a CI host, removes workflow commands from the text: a build's output must not control the job.</summary>
    public static string Neutral(string text) => WorkflowCommands.AreRead ? WorkflowCommands.Neutral(text) : text;

    /// <summary>The path of a file that the frontend names, relative to the repository's root; in a context that is an address, its name there.</summary>
    public static string? PathOf(string? file, ImageBuildRequest request)
    {
        if (file is null)
        {
            return null;
        }

        string? directory = ContextLocation.IsAddress(request.ContextPath) ? null : request.ContextPath;
        string path = request.DockerfilePath is { } dockerfile && (directory is not null || Path.IsPathRooted(dockerfile)) && Path.GetFileName(dockerfile) == Path.GetFileName(file)
            ? Path.GetFullPath(Path.Join(Path.IsPathRooted(dockerfile) ? null : directory, dockerfile))
            : Path.Join(directory, file);
        string? root = Environment.GetEnvironmentVariable(WorkflowCommands.ReaderIn(Environment.GetEnvironmentVariable) == DisplayKind.GitHub ? "GITHUB_WORKSPACE" : "BUILD_SOURCESDIRECTORY");
        return !string.IsNullOrEmpty(root) && path.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal) ? path[(root.TrimEnd('/').Length + 1)..] : path;
    }
}
