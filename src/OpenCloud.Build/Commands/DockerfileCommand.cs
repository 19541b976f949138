using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>The base class of the cmdlets that query an engine about a Dockerfile; nothing is built.</summary>
public abstract class DockerfileCommand : ConnectingCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    private readonly EnginePool _engines = new();

    private protected DockerfileCommand()
    {
    }

    /// <summary>The context directory, or the Dockerfile; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = PathSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [TextTransform("Path", "LiteralPath", "PSPath", TakesFiles = true)]
    public string[]? Path { get; set; }

    /// <summary>The same, taken literally.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string[]? LiteralPath { get; set; }

    /// <summary>The Dockerfile.</summary>
    [Parameter]
    [Alias("File", "f")]
    public string? Dockerfile { get; set; }

    /// <summary>The Dockerfile's text.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? DockerfileText { get; set; }

    /// <summary>Values for the Dockerfile's ARG instructions.</summary>
    [Parameter]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(DockerfileInputCompleter))]
    public IDictionary? BuildArg { get; set; }

    /// <summary>The target platforms.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>Named contexts.</summary>
    [Parameter]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(DockerfileInputCompleter))]
    public IDictionary? BuildContext { get; set; }

    /// <summary>The engine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string? Address { get; set; }

    /// <summary>The stage of the query; null for the last.</summary>
    private protected virtual string? StageName => null;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool isLiteral = ParameterSetName == LiteralPathSet;
        foreach (string path in (isLiteral ? LiteralPath : Path) ?? ["."])
        {
            try
            {
                Ask(path, isLiteral);
            }
            catch (BuildErrorException exception)
            {
                WriteFailure(exception);
            }
            catch (OperationCanceledException exception) when (StopToken.IsCancellationRequested)
            {
                throw new PipelineStoppedException("The pipeline was stopped.", exception);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _engines.Dispose();
        }
    }

    /// <summary>Queries the engine and returns the objects to write.</summary>
    private protected abstract Task<IEnumerable<object>> AskAsync(BuildKitClient client, CheckedBuild build, CancellationToken cancellationToken);

    /// <summary>Writes the error of one input; the pipeline continues with the next.</summary>
    private protected virtual void WriteFailure(BuildErrorException failure) => WriteError(failure.ToRecord());

    private void Ask(string path, bool isLiteral)
    {
        foreach (string found in ContextLocation.IsAddress(path) ? [path] : DirectoryArguments.Resolve(this, path, isLiteral, static _ => true))
        {
            CheckedBuild build = ReadBuild(found);
            if (build.Request.DependsOn is [{ } other, ..])
            {
                throw ErrorCatalog.LinkedBuildNotFound.ToException(found, null, build.ShortName, other);
            }

            RunAsync(async (poster, cancellationToken) =>
            {
                BuildKitClient client = await _engines.GetAsync(build.Address, build.Connect, poster, cancellationToken).ConfigureAwait(false);
                try
                {
                    foreach (object answer in await AskAsync(client, build, cancellationToken).ConfigureAwait(false))
                    {
                        poster.Output(answer);
                    }
                }
                catch (ImageBuildException exception)
                {
                    throw BuildErrors.From(exception, build);
                }
                catch (Exception exception) when (BuildErrors.IsOfInput(exception))
                {
                    throw BuildErrors.OfInput(exception, build);
                }
            });
        }
    }

    private CheckedBuild ReadBuild(string found)
    {
        // The path may name a Dockerfile itself; its directory is then the context.
        bool isDockerfile = File.Exists(found) && Dockerfile is null && DockerfileText is null && !BuildArchives.IsName(found);
        string? named = isDockerfile ? found : string.IsNullOrEmpty(Dockerfile) ? null : Dockerfile;
        string? fromLocation = named is null ? null : isDockerfile ? found : DirectoryArguments.ResolveLiteral(this, named);
        ImageBuildRequest request = new()
        {
            ContextPath = isDockerfile ? System.IO.Path.GetDirectoryName(found)! : found,
            DockerfilePath = named,
            DockerfileText = DockerfileText is null or [] or [""] ? null : string.Join('\n', DockerfileText),
            BuildArguments = KeyValueArguments.Read(nameof(BuildArg), BuildArg, Environment.GetEnvironmentVariable),
            Target = string.IsNullOrEmpty(StageName) ? null : StageName,
            Platforms = [.. PlatformArguments.Parse(Platform).Distinct().Select(static p => p.ToString())],
            NamedContexts = NamedContextArguments.Read(this, BuildContext),
        };
        return new CheckedBuild
        {
            Address = EngineArguments.ParseAddress(Address),
            Connect = ConnectOptions,
            Request = RequestChecks.Complete(request, fromLocation, StopToken),
        };
    }
}
