using System.Collections;
using System.Globalization;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Builds;

/// <summary>A user's input for one build, not checked yet. Nothing is changed or sent before <see cref="Check"/> has ended.</summary>
internal sealed record ImageBuildInput
{
    /// <summary>The context: the full path of a directory or an archive, or an address.</summary>
    public required string Directory { get; init; }

    public BuildOptionsInput Options { get; init; } = BuildOptionsInput.None;

    /// <summary>The full path of the file for the build metadata; null for none.</summary>
    public string? MetadataPath { get; init; }

    /// <summary>The full path of the file for the image's id; null for none.</summary>
    public string? ImageIdPath { get; init; }

    /// <summary>The Dockerfile as the user named it, or null.</summary>
    public string? Dockerfile { get; init; }

    /// <summary>That name as a full path, resolved from the user's location.</summary>
    public string? DockerfileFromLocation { get; init; }

    public string? DockerfileText { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public IDictionary? BuildArguments { get; init; }

    public IDictionary? Labels { get; init; }

    public string? Target { get; init; }

    public IReadOnlyList<string> Platforms { get; init; } = [];

    public bool NoCache { get; init; }

    /// <summary>True to look up base images in their registries.</summary>
    public bool Pull { get; init; }

    /// <summary>True to fail when the directory changes while it is sent.</summary>
    public bool StrictContext { get; init; }

    public string? Address { get; init; }

    /// <summary>The time to wait for an engine that is starting.</summary>
    public TimeSpan ConnectTimeout { get; init; }

    public TimeSpan? Timeout { get; init; }

    /// <summary>True to allow plain TCP to other machines.</summary>
    public bool AllowPlainTcp { get; init; }

    public BuildExchange Exchange { get; init; } = new();

    /// <summary>The full path of the log; null for none.</summary>
    public string? LogPath { get; init; }

    /// <summary>Checks everything that needs no engine.</summary>
    /// <exception cref="BuildErrorException">The input is invalid; reports the first error found.</exception>
    public CheckedBuild Check(CancellationToken cancellationToken)
    {
        IReadOnlyList<ImageReference> tags = [.. Tags.Select(ReadTag).Distinct()];
        IReadOnlyList<Platform> platforms = [.. Platforms.Select(ReadPlatform).Distinct()];
        IReadOnlyDictionary<string, string> arguments = KeyValueArguments.Read("BuildArg", BuildArguments, Environment.GetEnvironmentVariable);
        IReadOnlyDictionary<string, string> labels = KeyValueArguments.Read("Label", Labels, static _ => "");
        EngineAddress? address = ReadAddress();
        if (ConnectTimeout <= TimeSpan.Zero)
        {
            throw ErrorCatalog.InvalidDuration.ToException(ConnectTimeout, null, "ConnectTimeout");
        }

        if (Timeout <= TimeSpan.Zero)
        {
            throw ErrorCatalog.InvalidDuration.ToException(Timeout, null, "Timeout");
        }

        CheckFile(LogPath, ErrorCatalog.LogNotWritable);
        CheckFile(MetadataPath, ErrorCatalog.ResultFileNotWritable);
        CheckFile(ImageIdPath, ErrorCatalog.ResultFileNotWritable);
        (DockerfileContent? file, string? name, string? text) = ReadDockerfile(cancellationToken);
        DockerfileText? dockerfile = null;
        if (name is not null && text is not null)
        {
            dockerfile = Parse(name, text, arguments);
            CheckTarget(name, dockerfile);
        }

        CheckedBuild build = new()
        {
            Request = new ImageBuildRequest
            {
                ContextPath = Directory,
                DockerfilePath = file?.Path ?? Dockerfile,
                DockerfileText = file is null ? DockerfileText : null,
                DockerfileContent = file,
                Tags = [.. tags.Select(static t => t.ToString())],
                BuildArguments = arguments,
                Labels = labels,
                Target = string.IsNullOrEmpty(Target) ? null : Target,
                Platforms = [.. platforms.Select(static p => p.ToString())],
                NoCache = NoCache,
                Pull = Pull,
                StrictContext = StrictContext,
                Outputs = Exchange.Outputs,
                Push = Exchange.Push,
                NeedsDigest = MetadataPath is not null || ImageIdPath is not null,
                CacheFrom = Exchange.CacheFrom,
                CacheTo = Exchange.CacheTo,
                Secrets = Exchange.Secrets,
                Ssh = Exchange.Ssh,
                RegistryCredentials = Exchange.RegistryCredentials,
                RegistryHosts = Exchange.RegistryHosts,
                ConfirmDelete = Exchange.ConfirmDelete,
                Timeout = Timeout,
                NamedContexts = Options.NamedContexts,
                Annotations = Options.ReadAnnotations(),
                Attestations = Options.ReadAttestations(),
                SourceDate = Options.ReadSourceDate(),
                Execution = Options.ReadExecution(),
                SourcePolicy = Options.ReadSourcePolicy(),
            },
            Dockerfile = dockerfile,
            Address = address,
            Connect = new EngineConnectOptions { ConnectTimeout = ConnectTimeout, AllowPlainTcp = AllowPlainTcp },
            LogPath = LogPath,
            MetadataPath = MetadataPath,
            ImageIdPath = ImageIdPath,
        };
        try
        {
            ImageBuildChecks.Check(build.Request, cancellationToken);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidDataException or IOException)
        {
            throw ErrorCatalog.InvalidContext.ToException(Directory, exception, Directory, exception.Message);
        }

        return build;
    }

    private static ImageReference ReadTag(string text)
    {
        if (!ImageReference.TryParse(text, out ImageReference? reference, out ImageReferenceError? error))
        {
            throw ErrorCatalog.InvalidImageReference.ToException(text, null, text, error);
        }

        return reference.Digest is null ? reference.WithDefaultTag() : throw ErrorCatalog.TagWithDigest.ToException(text, null, text);
    }

    private static Platform ReadPlatform(string text) =>
        Platform.TryParse(text, out Platform? platform, out string? error)
            ? platform
            : throw ErrorCatalog.InvalidPlatform.ToException(text, null, text, error);

    private EngineAddress? ReadAddress()
    {
        try
        {
            return string.IsNullOrEmpty(Address) ? null : EngineAddress.Parse(Address);
        }
        catch (FormatException exception)
        {
            throw ErrorCatalog.InvalidAddress.ToException(Address, exception, Address!, exception.Message);
        }
    }

    private static void CheckFile(string? path, ErrorEntry error)
    {
        if (path is null)
        {
            return;
        }

        string? problem = System.IO.Directory.Exists(path)
            ? "it is a directory."
            : System.IO.Directory.Exists(Path.GetDirectoryName(path)) ? null : "its directory does not exist.";
        if (problem is not null)
        {
            throw error.ToException(path, null, path, problem);
        }
    }

    /// <summary>The Dockerfile's file, name and text; null for those it does not have, as in an archive or a context that the engine fetches.</summary>
    private (DockerfileContent? File, string? Name, string? Text) ReadDockerfile(CancellationToken cancellationToken)
    {
        if (DockerfileText is not null)
        {
            return Dockerfile is null
                ? (null, "DockerfileText", DockerfileText)
                : throw ErrorCatalog.ParameterConflict.ToException(Dockerfile, null, nameof(Dockerfile), nameof(DockerfileText));
        }

        if (!System.IO.Directory.Exists(Directory) && (Dockerfile is null || !Path.IsPathRooted(Dockerfile)))
        {
            return (null, null, null);
        }

        DockerfileContent file = Read(cancellationToken) ?? throw NotFound();

        // '>' of Windows PowerShell writes UTF-16. The engine would read it as one line of nonsense.
        if (file.Bytes.Span is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw ErrorCatalog.InvalidDockerfile.ToException(file.Path, null, file.Path, 1, "The file is UTF-16, and a Dockerfile must be UTF-8.");
        }

        return (file, file.Path, file.Text);
    }

    private DockerfileContent? Read(CancellationToken cancellationToken)
    {
        try
        {
            return Dockerfile is null
                ? DockerfileContent.Usual(Directory)
                : DockerfileLocator.Find(Directory, Dockerfile, DockerfileFromLocation) is { } path ? DockerfileContent.Named(path, Directory, cancellationToken) : null;
        }
        catch (LinkLeavesRootException exception)
        {
            throw ErrorCatalog.DockerfileOutsideContext.ToException(exception.Path, exception, exception.Path, exception.Target, exception.Root);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ErrorCatalog.DockerfileNotReadable.ToException(Dockerfile ?? Directory, exception, exception.Message);
        }
    }

    private BuildErrorException NotFound()
    {
        if (Dockerfile is not null)
        {
            string[] places = [.. DockerfileLocator.Candidates(Directory, Dockerfile, DockerfileFromLocation)];
            return ErrorCatalog.NamedDockerfileNotFound.ToException(Dockerfile, null, Dockerfile, places[0], places[^1]);
        }

        bool hasContainerfile = File.Exists(Path.Join(Directory, "Containerfile"));
        return ErrorCatalog.DockerfileNotFound.ToException(Directory, null, Directory, hasContainerfile ? " There is a Containerfile; name it with -Dockerfile." : "");
    }

    private static DockerfileText Parse(string name, string text, IReadOnlyDictionary<string, string> arguments)
    {
        // A binary file, such as a program that came down the pipeline, has zero bytes before its first line end.
        int zero = text.IndexOf('\0', StringComparison.Ordinal);
        if (zero >= 0 && !text.StartsWith('#') && text.IndexOf('\n', StringComparison.Ordinal) is var end && (end < 0 || zero < end))
        {
            throw ErrorCatalog.InvalidDockerfile.ToException(name, null, name, 1, "The file is binary, not a Dockerfile.");
        }

        try
        {
            return Client.Dockerfiles.DockerfileText.Parse(text, arguments.GetValueOrDefault("BUILDKIT_SYNTAX"));
        }
        catch (DockerfileException exception)
        {
            throw ErrorCatalog.InvalidDockerfile.ToException(name, exception, name, exception.Line, exception.Reason);
        }
    }

    private void CheckTarget(string name, DockerfileText dockerfile)
    {
        if (string.IsNullOrEmpty(Target) || !dockerfile.IsDockerfile || !dockerfile.IsComplete || dockerfile.FindStage(Target) is not null)
        {
            return;
        }

        string[] names = [.. dockerfile.Stages.Where(static s => s.Name is not null).Select(static s => s.Name!)];
        string stages = names.Length > 0
            ? $"Its stages are {string.Join(", ", names)}."
            : string.Create(CultureInfo.InvariantCulture, $"None of its {dockerfile.Stages.Count} stages has a name.");
        throw ErrorCatalog.TargetNotFound.ToException(Target, null, Target, name, stages);
    }
}
