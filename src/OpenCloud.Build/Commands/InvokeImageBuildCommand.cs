using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Hosts;
using OpenCloud.Build.Nodes;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Builds a container image from a directory and a Dockerfile.</summary>
[Alias("Build-ContainerImage")]
[Cmdlet(VerbsLifecycle.Invoke, "ImageBuild", DefaultParameterSetName = PathSet, SupportsShouldProcess = true)]
[OutputType(typeof(ImageBuildResult))]
public sealed partial class InvokeImageBuildCommand : ConnectingCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";
    private const string InputObjectSet = "InputObject";

    private readonly RecordColumns _columns = new(typeof(InvokeImageBuildCommand));
    private HashSet<string> _onCommandLine = [];
    private IImageBuilder? _builder;
    private FileSystemInfo[]? _items;

    /// <summary>The context directory; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = PathSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    public string[]? Path { get; set; }

    /// <summary>The context directory, taken literally.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string[]? LiteralPath { get; set; }

    /// <summary>A context directory, or a Dockerfile whose directory is the context.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InputObjectSet, ValueFromPipeline = true)]
    public FileSystemInfo[]? InputObject { get; set; }

    /// <summary>Any object from the pipeline: PowerShell sets it, so that unsuitable objects can be reported.</summary>
    [Parameter(ValueFromPipeline = true, DontShow = true)]
    public PSObject? Record { get; set; }

    /// <summary>The Dockerfile.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("File", "f")]
    public string? Dockerfile { get; set; }

    /// <summary>The Dockerfile's text.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? DockerfileText { get; set; }

    /// <summary>The names of the image.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("t")]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[]? Tag { get; set; }

    /// <summary>Values for the Dockerfile's ARG instructions.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(DockerfileInputCompleter))]
    public IDictionary? BuildArg { get; set; }

    /// <summary>Labels of the image.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? Label { get; set; }

    /// <summary>The stage to build.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(DockerfileStageCompleter))]
    public string? Target { get; set; }

    /// <summary>The platforms to build for.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>Runs every step without the cache.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter NoCache { get; set; }

    /// <summary>Looks up base images again.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter Pull { get; set; }

    /// <summary>The engine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string? Address { get; set; }

    /// <summary>Starts an engine for each build, and stops it afterward.</summary>
    [Parameter]
    public SwitchParameter Daemonless { get; set; }

    /// <summary>The time limit of a build.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyCellTransform]
    [DurationTransform]
    [ArgumentCompleter(typeof(BuildTimeoutCompleter))]
    public TimeSpan? Timeout { get; set; }

    /// <summary>How often the build is sent to another node when its node is lost.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyCellTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public int? Retry { get; set; }

    /// <summary>The file for the whole log.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? LogPath { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() =>
        _onCommandLine = new HashSet<string>(MyInvocation.BoundParameters.Keys, StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string warning in _columns.Warnings(Record))
        {
            WriteWarning(warning);
        }

        if (_columns.Misfit(Record, MyInvocation.BoundParameters) is { } misfit)
        {
            WriteError(ErrorCatalog.InvalidColumn, Record, null, misfit.Name, misfit.TypeNameOfValue);
            return;
        }

        // When the command line names a path, a record can only add parameters.
        bool isNamed = _onCommandLine.Overlaps([nameof(Path), nameof(LiteralPath), nameof(InputObject)]);
        bool isBuild = Record is null || (isNamed ? Record.BaseObject is PSCustomObject or BuildKitEngine : Record.BaseObject is PSCustomObject or FileSystemInfo || HasPath(Record) || LiteralPathOf(Record) is not null);
        if (!isBuild)
        {
            WriteError(ErrorCatalog.NotABuild, Record, null, Record!.BaseObject.GetType().Name);
            return;
        }

        _definition = BuildSets.NameOf(Record);
        int known = _definitions.Count;
        BuildRecord(isNamed);
        if (_definition is not null && _definitions.Count == known)
        {
            _definitions.Add((_definition, null));
        }
    }

    private void BuildRecord(bool isNamed)
    {
        // Piped files have a property PSPath, which selects the set of -LiteralPath.
        _items = Record?.BaseObject is FileSystemInfo piped ? [piped] : ParameterSetName == InputObjectSet ? InputObject : null;
        foreach (FileSystemInfo item in _items ?? [])
        {
            Guard(item, () => BuildItem(item));
        }

        if (_items is null)
        {
            string[]? literal = ParameterSetName == LiteralPathSet ? LiteralPath : isNamed ? null : LiteralPathOf(Record);
            foreach (string path in literal ?? (isNamed || HasPath(Record) ? Path : null) ?? ["."])
            {
                Guard(path, () => BuildDirectories(path, isLiteral: literal is not null));
            }
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _builder?.Dispose();
        }
    }

    // PowerShell binds Record before any property, and then considers the set of -Path selected.
    private static string[]? LiteralPathOf(PSObject? record) => record?.BaseObject is null or string || record.Properties[nameof(Path)] is not null
        ? null
        : (record.Properties[nameof(LiteralPath)] ?? record.Properties["LP"] ?? record.Properties["PSPath"])?.Value is { } path
            ? LanguagePrimitives.ConvertTo<string[]>(path)
            : null;

    // PowerShell converts any other object to text that is no path.
    private static bool HasPath(PSObject? record) => record?.BaseObject is null or string or ValueType || (record.BaseObject is not IDictionary && record.Properties[nameof(Path)] is not null);

    private void BuildItem(FileSystemInfo item)
    {
        if (item is FileInfo archive && BuildArchives.IsName(archive.FullName))
        {
            Build(archive.FullName, null);
        }
        else if (item is FileInfo file)
        {
            Build(file.DirectoryName!, file.FullName);
        }
        else
        {
            foreach (string directory in DirectoryArguments.Resolve(this, item.FullName, isLiteral: true))
            {
                Build(directory, null);
            }
        }
    }

    private void BuildDirectories(string path, bool isLiteral)
    {
        if (ContextLocation.IsAddress(path))
        {
            Build(path, null);
            return;
        }

        foreach (string directory in DirectoryArguments.Resolve(this, path, isLiteral, BuildArchives.IsArchive))
        {
            Guard(directory, () => Build(directory, null));
        }
    }

    private void Build(string directory, string? file)
    {
        CheckedBuild build = ReadBuild(directory, file) with { Reporting = Reporting };
        if (_definition is null && build.Request.DependsOn is [{ } missing, ..])
        {
            throw ErrorCatalog.LinkedBuildNotFound.ToException(directory, null, build.ShortName, missing);
        }

        if (directory == "/" || directory == Environment.GetEnvironmentVariable("HOME"))
        {
            WriteWarning($"The context directory is '{directory}': every file in it that .dockerignore does not exclude may be sent to the engine.");
        }

        if (_definition is not null)
        {
            _definitions.Add((_definition, build with { Target = _definition }));
            return;
        }

        if (!ShouldProcess(ContextLocation.WithoutSecrets(directory), BuildPlan.Describe(build, Daemonless)))
        {
            return;
        }

        IImageBuilder builder = _builder ??= ImageBuilders.Create();
        if (Daemonless)
        {
            RunAsync(
                async (poster, cancellationToken) => poster.Output(await DaemonlessBuild.RunAsync(build, builder, poster, cancellationToken).ConfigureAwait(false)),
                DaemonlessBuild.StopGrace);
            return;
        }

        if (ThrottleLimit > 1)
        {
            _queued.Add(build);
            return;
        }

        RunAsync(async (poster, cancellationToken) => poster.Output(await builder.BuildAsync(build, poster, cancellationToken).ConfigureAwait(false)));
    }
}
