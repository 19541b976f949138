using System.Collections;
using System.Globalization;
using System.Text;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Client.Oci;
using OpenCloud.Build.Client.Transport;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Building;

/// <summary>What a user gave for one build, not checked yet. Nothing is changed or sent before <see cref="Check"/> has ended.</summary>
internal sealed record ImageBuildInput
{
    /// <summary>What is built from: a full path of a directory or an archive, or an address.</summary>
    public required string Directory { get; init; }

    /// <summary>How the image is built and what is said about it.</summary>
    public BuildOptionsInput Options { get; init; } = BuildOptionsInput.None;

    /// <summary>The full path of the file that takes what the engine tells of the image, or null.</summary>
    public string? MetadataPath { get; init; }

    /// <summary>The full path of the file that takes the image's id, or null.</summary>
    public string? ImageIdPath { get; init; }

    /// <summary>The Dockerfile as named, or null.</summary>
    public string? Dockerfile { get; init; }

    /// <summary>The Dockerfile as named, as a full path seen from the user's location.</summary>
    public string? DockerfileFromLocation { get; init; }

    /// <summary>The Dockerfile's text, or null.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>Image references.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Build arguments.</summary>
    public IDictionary? BuildArguments { get; init; }

    /// <summary>Labels.</summary>
    public IDictionary? Labels { get; init; }

    /// <summary>The stage.</summary>
    public string? Target { get; init; }

    /// <summary>Platforms.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>Whether every step is run anew.</summary>
    public bool NoCache { get; init; }

    /// <summary>Whether base images are looked up anew.</summary>
    public bool Pull { get; init; }

    /// <summary>The engine's address.</summary>
    public string? Address { get; init; }

    /// <summary>How long to wait for an engine that is starting.</summary>
    public TimeSpan ConnectTimeout { get; init; }

    /// <summary>Whether plain TCP may leave the machine.</summary>
    public bool AllowPlainTcp { get; init; }

    /// <summary>Outputs, caches, secrets, SSH agents and registries.</summary>
    public BuildExchange Exchange { get; init; } = new();

    /// <summary>The log's full path, or null.</summary>
    public string? LogPath { get; init; }

    /// <summary>Checks everything that can be checked without an engine.</summary>
    /// <exception cref="BuildErrorException">Something is wrong; the first thing found is told.</exception>
    public CheckedBuild Check()
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

        CheckFile(LogPath, ErrorCatalog.LogNotWritable);
        CheckFile(MetadataPath, ErrorCatalog.ResultFileNotWritable);
        CheckFile(ImageIdPath, ErrorCatalog.ResultFileNotWritable);
        (string? path, string? name, string? text) = ReadDockerfile();
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
                DockerfilePath = path,
                DockerfileText = path is null ? DockerfileText : null,
                Tags = [.. tags.Select(static t => t.ToString())],
                BuildArguments = arguments,
                Labels = labels,
                Target = string.IsNullOrEmpty(Target) ? null : Target,
                Platforms = [.. platforms.Select(static p => p.ToString())],
                NoCache = NoCache,
                Pull = Pull,
                Outputs = Exchange.Outputs,
                Push = Exchange.Push,
                CacheFrom = Exchange.CacheFrom,
                CacheTo = Exchange.CacheTo,
                Secrets = Exchange.Secrets,
                Ssh = Exchange.Ssh,
                RegistryCredentials = Exchange.RegistryCredentials,
                ConfirmDelete = Exchange.ConfirmDelete,
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
            ImageBuildChecks.Check(build.Request);
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

    /// <summary>The Dockerfile's path, its name and its text; the last two are null when it is part of an archive or of what an engine fetches.</summary>
    private (string? Path, string? Name, string? Text) ReadDockerfile()
    {
        if (DockerfileText is not null)
        {
            return Dockerfile is null
                ? (null, "DockerfileText", DockerfileText)
                : throw ErrorCatalog.ParameterConflict.ToException(Dockerfile, null, nameof(Dockerfile), nameof(DockerfileText));
        }

        if (!System.IO.Directory.Exists(Directory) && (Dockerfile is null || !Path.IsPathRooted(Dockerfile)))
        {
            return (Dockerfile, null, null);
        }

        string path = DockerfileLocator.Find(Directory, Dockerfile, DockerfileFromLocation) ?? throw NotFound();
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ErrorCatalog.PathNotReadable.ToException(path, exception, path, exception.Message);
        }

        // What '>' of Windows PowerShell writes. The engine would take it for one line of nonsense.
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw ErrorCatalog.InvalidDockerfile.ToException(path, null, path, 1, "The file is UTF-16, and a Dockerfile must be UTF-8.");
        }

        return (path, path, Encoding.UTF8.GetString(bytes));
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
        try
        {
            return Client.BuildKit.DockerfileText.Parse(text, arguments.GetValueOrDefault("BUILDKIT_SYNTAX"));
        }
        catch (DockerfileException exception)
        {
            throw ErrorCatalog.InvalidDockerfile.ToException(name, exception, name, exception.Line, exception.Reason);
        }
    }

    private void CheckTarget(string name, DockerfileText dockerfile)
    {
        if (string.IsNullOrEmpty(Target) || !dockerfile.IsDockerfile || dockerfile.FindStage(Target) is not null)
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
