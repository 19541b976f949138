using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Definitions;
using OpenCloud.Build.Definitions.Model;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Gets the builds that Compose files, bake files and data files define.</summary>
[Cmdlet(VerbsCommon.Get, "BuildDefinition")]
[OutputType(typeof(BuildDefinition))]
public sealed class GetBuildDefinitionCommand : BuildCmdlet
{
    private const string Cwd = "cwd://";

    private readonly List<DefinitionSource> _sources = [];
    private string? _directory;
    private bool _hasFailed;

    /// <summary>The files, or directories with files of the usual names.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LiteralPath", "LP", "FullName", "f")]
    [TextTransform("Path", "PSPath", "LiteralPath", "LP", "FullName", TakesFiles = true)]
    public string[]? Path { get; set; }

    /// <summary>Names or patterns of targets, groups and services.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DefinitionTargetCompleter))]
    public string[]? Target { get; set; }

    /// <summary>Values of variables.</summary>
    [Parameter]
    [Alias("Var")]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? Variable { get; set; }

    /// <summary>Changes of targets.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? Set { get; set; }

    /// <summary>Profiles of a Compose file.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? Profile { get; set; }

    /// <summary>Files of variables.</summary>
    [Parameter]
    public string[]? EnvFile { get; set; }

    /// <summary>The name of the Compose project.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? ProjectName { get; set; }

    /// <summary>Privileges granted to the definition.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(EntitlementCompleter))]
    public string[]? Allow { get; set; }

    /// <summary>Grants every privilege that the definition requests.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string path in Path ?? ["."])
        {
            Guard(path, () => AddSources(path));
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // Files change each other: without one of them the others are another definition.
        if (_sources.Count > 0 && !_hasFailed)
        {
            Guard(_sources[0].FullPath!, Read);
        }
    }

    private void AddSources(string path)
    {
        string file = path.StartsWith(Cwd, StringComparison.Ordinal) ? path[Cwd.Length..] : path;
        if (ContextLocation.IsAddress(file))
        {
            throw ErrorCatalog.DefinitionIsRemote.ToException(path, null, path);
        }

        string full = DirectoryArguments.Resolve(this, file, isLiteral: true, static _ => true)[0];
        _directory ??= Directory.Exists(full) ? full : null;
        _sources.AddRange(DefinitionFiles.Read(full, file, StopToken));
    }

    private void Read()
    {
        string location = SessionState.Path.CurrentFileSystemLocation.ProviderPath;
        string directory = _directory ?? location;
        DefinitionOptions options = new()
        {
            WorkingDirectory = directory,
            Targets = Target ?? [],
            Variables = KeyValueArguments.Read(nameof(Variable), Variable, Environment.GetEnvironmentVariable),
            Overrides = Set ?? [],
            Profiles = Profile ?? [],
            EnvironmentFiles = EnvFile is null ? null : [.. EnvFile.Select(f => DirectoryArguments.ResolveLiteral(this, f))],
            ProjectName = ProjectName,
            Environment = Environment.GetEnvironmentVariable,
            ReadFile = DefinitionFiles.TryRead,
            LocalPlatform = DefinitionFiles.LocalPlatform,
            Warn = text => WriteWarning(TerminalText.Plain(text)),
        };
        bool yesToAll = Force;
        bool noToAll = false;
        foreach (BuildDefinition definition in BuildDefinitions.Read(_sources, options))
        {
            IReadOnlyList<string> missing = BuildDefinitions.FindMissing(definition, Allow ?? [], directory);
            if (missing.Count > 0 && !IsGranted(definition, missing, ref yesToAll, ref noToAll))
            {
                throw ErrorCatalog.DefinitionNotAllowed.ToException(definition, null, TerminalText.Name(definition.Name), string.Join("', '", missing.Select(static p => TerminalText.Name(p))));
            }

            foreach (string rest in definition.Remainder)
            {
                WriteWarning(TerminalText.Plain($"The definition of '{definition.Name}' has '{rest}', which Invoke-ImageBuild does not use."));
            }

            WriteObject(definition);
        }
    }

    private bool IsGranted(BuildDefinition definition, IReadOnlyList<string> missing, ref bool yesToAll, ref bool noToAll)
    {
        if (yesToAll || noToAll)
        {
            return yesToAll;
        }

        try
        {
            return ShouldContinue(
                $"The definition of '{TerminalText.Name(definition.Name)}' asks for these privileges: {string.Join(", ", missing.Select(static p => TerminalText.Name(p)))}. Grant them?",
                "Grant privileges",
                ref yesToAll,
                ref noToAll);
        }
        catch (Exception exception) when (exception is PSInvalidOperationException or System.Management.Automation.Host.HostException)
        {
            // No user can be asked.
            return false;
        }
    }

    private void Guard(string target, Action work)
    {
        try
        {
            work();
        }
        catch (DefinitionException exception)
        {
            _hasFailed = true;
            WriteError(exception.IsMissingTarget ? ErrorCatalog.DefinitionTargetNotFound : ErrorCatalog.InvalidDefinition, target, exception, exception.Message);
        }
        catch (BuildErrorException exception)
        {
            _hasFailed = true;
            WriteError(exception.ToRecord());
        }
        catch (OperationCanceledException exception) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException("The pipeline was stopped.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _hasFailed = true;
            WriteError(ErrorCatalog.InvalidDefinition, target, exception, exception.Message);
        }
    }
}
