using System.Globalization;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Builds;

/// <summary>The checks of a request that need no engine. They run before anything is changed or sent.</summary>
internal static class RequestChecks
{
    /// <summary>Reads the Dockerfile once, and checks all local inputs. <c>fromLocation</c> is its name as a full path from the user's location.</summary>
    /// <exception cref="BuildErrorException">The request is invalid; the first error found.</exception>
    public static ImageBuildRequest Complete(ImageBuildRequest request, string? fromLocation, CancellationToken cancellationToken)
    {
        string? named = request.DockerfilePath;
        if (request.DockerfileText is { } text)
        {
            CheckDockerfile(request, "DockerfileText", named is null
                ? text
                : throw ErrorCatalog.ParameterConflict.ToException(named, null, "Dockerfile", "DockerfileText"));
        }
        else if (Path.IsPathRooted(named) || (!ContextLocation.IsAddress(request.ContextPath) && Directory.Exists(request.ContextPath)))
        {
            DockerfileContent file = ReadDockerfile(request, fromLocation, cancellationToken);
            CheckDockerfile(request, file.Path, file.Text);
            request = request with { DockerfilePath = file.Path, DockerfileContent = file };
        }

        try
        {
            ImageBuildChecks.Check(request, cancellationToken);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidDataException or IOException)
        {
            throw ErrorCatalog.InvalidContext.ToException(request.ContextPath, exception, request.ContextPath, exception.Message);
        }

        return request;
    }

    /// <summary>The full path of the named Dockerfile, from the user's location or else in the directory; null when there is none.</summary>
    public static string? FindDockerfile(string directory, string named, string? fromLocation) => Candidates(directory, named, fromLocation).FirstOrDefault(File.Exists);

    private static string[] Candidates(string directory, string named, string? fromLocation)
    {
        string inDirectory = Path.IsPathRooted(named) ? named : Path.GetFullPath(Path.Join(directory, named));
        return fromLocation is null ? [inDirectory] : [fromLocation, inDirectory];
    }

    private static DockerfileContent ReadDockerfile(ImageBuildRequest request, string? fromLocation, CancellationToken cancellationToken)
    {
        string directory = request.ContextPath;
        string? named = request.DockerfilePath;
        DockerfileContent? file;
        try
        {
            file = named is null
                ? DockerfileContent.Usual(directory)
                : FindDockerfile(directory, named, fromLocation) is { } path ? DockerfileContent.Named(path, directory, cancellationToken) : null;
        }
        catch (LinkLeavesRootException exception)
        {
            throw ErrorCatalog.DockerfileOutsideContext.ToException(exception.Path, exception, exception.Path, exception.Target, exception.Root);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ErrorCatalog.DockerfileNotReadable.ToException(named ?? directory, exception, exception.Message);
        }

        if (file is null)
        {
            throw NotFound(directory, named, fromLocation);
        }

        // '>' of Windows PowerShell writes UTF-16. The engine would read it as one line of nonsense.
        return file.Bytes.Span is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]
            ? throw ErrorCatalog.InvalidDockerfile.ToException(file.Path, null, file.Path, 1, "The file is encoded in UTF-16; a Dockerfile must be in UTF-8.")
            : file;
    }

    private static BuildErrorException NotFound(string directory, string? named, string? fromLocation)
    {
        if (named is not null)
        {
            string[] places = Candidates(directory, named, fromLocation);
            return ErrorCatalog.NamedDockerfileNotFound.ToException(named, null, named, places[0], places[^1]);
        }

        bool hasContainerfile = File.Exists(Path.Join(directory, "Containerfile"));
        return ErrorCatalog.DockerfileNotFound.ToException(directory, null, directory, hasContainerfile ? " It has a Containerfile; use -Dockerfile Containerfile." : "");
    }

    private static void CheckDockerfile(ImageBuildRequest request, string name, string text) =>
        CheckTarget(request.Target, name, Parse(name, text, request.BuildArguments));

    private static DockerfileText Parse(string name, string text, IReadOnlyDictionary<string, string> arguments)
    {
        // A binary file, such as a program that came down the pipeline, has zero bytes before its first line end.
        int zero = text.IndexOf('\0', StringComparison.Ordinal);
        if (zero >= 0 && !text.StartsWith('#') && text.IndexOf('\n', StringComparison.Ordinal) is var end && (end < 0 || zero < end))
        {
            throw ErrorCatalog.InvalidDockerfile.ToException(name, null, name, 1, "The file is a binary file, not a Dockerfile.");
        }

        try
        {
            return DockerfileText.Parse(text, arguments.GetValueOrDefault("BUILDKIT_SYNTAX"));
        }
        catch (DockerfileException exception)
        {
            throw ErrorCatalog.InvalidDockerfile.ToException(name, exception, name, exception.Line, exception.Reason);
        }
    }

    private static void CheckTarget(string? target, string name, DockerfileText dockerfile)
    {
        if (string.IsNullOrEmpty(target) || !dockerfile.IsDockerfile || !dockerfile.IsComplete || dockerfile.FindStage(target) is not null)
        {
            return;
        }

        string[] names = [.. dockerfile.Stages.Where(static s => s.Name is not null).Select(static s => s.Name!)];
        string stages = names.Length > 0
            ? $"Available stages: {string.Join(", ", names)}."
            : string.Create(CultureInfo.InvariantCulture, $"None of the {dockerfile.Stages.Count} stages has a name.");
        throw ErrorCatalog.TargetNotFound.ToException(target, null, target, name, stages);
    }
}
